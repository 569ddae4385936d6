import { lazy, Suspense } from "react";
import { createBrowserRouter, Navigate, type RouteObject } from "react-router";

import { Skeletons } from "@/components/states";

import { NotFound, RouteFailure } from "./NotFound";
import { Home } from "./Home";
import { Shell } from "./shell/Shell";

const pages: Record<string, React.LazyExoticComponent<React.ComponentType>> = {
  incidents: lazy(() => import("@/features/incidents/IncidentsPage")),
  "incidents/:id": lazy(() => import("@/features/incidents/IncidentPage")),
};

const SignInPage = lazy(() => import("@/features/auth/SignInPage"));

const children: RouteObject[] = Object.entries(pages).map(([path, Component]) => ({
  path,
  element: (
    <Suspense fallback={<Skeletons />}>
      <Component />
    </Suspense>
  ),
}));

export const router = createBrowserRouter([
  {
    path: "/sign-in",
    element: (
      <Suspense>
        <SignInPage />
      </Suspense>
    ),
    errorElement: <RouteFailure />,
  },
  {
    path: "/c/:company",
    element: <Shell />,
    errorElement: <RouteFailure />,
    children: [
      { index: true, element: <Navigate to="incidents" replace /> },
      ...children.map((route) => ({ ...route, errorElement: <RouteFailure /> })),
      { path: "*", element: <NotFound /> },
    ],
  },
  { path: "/", element: <Home /> },
  { path: "*", element: <Home /> },
]);
