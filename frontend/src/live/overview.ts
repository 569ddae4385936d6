import { useQuery } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";

/** The figures of a scope. Arrivals are counted in as they come; the rest is read anew at a calm pace. */
export const useOverview = (companies: string[]) =>
  useQuery({
    queryKey: keys.overview(companies),
    queryFn: ({ signal }) =>
      body(api.GET("/api/overview", { params: { query: { company_id: companies } }, signal })),
    // The minutes of the sparkline move on even when nothing arrives.
    refetchInterval: 60_000,
    staleTime: 5000,
  });
