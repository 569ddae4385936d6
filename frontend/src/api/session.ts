import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";

import { learnServerTime } from "@/lib/now";

import { api, body } from "./client";
import { keys } from "./keys";
import type { Me } from "./types";

async function fetchMe(): Promise<Me> {
  const me = await body(api.GET("/api/auth/me"));
  learnServerTime(me.server_time);
  return me;
}

/** Who is signed in. Undefined while asked or when nobody is. */
export const useSession = () =>
  useQuery({
    queryKey: keys.me,
    queryFn: fetchMe,
    staleTime: Infinity,
    retry: false,
    refetchOnWindowFocus: false,
  });

/** Whether the person may do a verb; what they may not do is not shown. */
export function useMay(): (verb: string) => boolean {
  const { data } = useSession();
  return (verb) => data?.verbs.includes(verb) ?? false;
}

/** Company id → name, for all that the person can reach. */
export function useCompanyName(): (id: string) => string {
  const { data } = useSession();
  return useCallback((id) => data?.companies.find((company) => company.id === id)?.name ?? id, [data]);
}
