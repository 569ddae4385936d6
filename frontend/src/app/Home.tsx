import { Navigate } from "react-router";

import { lastView } from "@/lib/lastView";

/** The bare address leads to where this browser was last. */
export function Home() {
  return <Navigate to={lastView()} replace />;
}
