import { useQuery } from "@tanstack/react-query";

import { api, body } from "./client";
import { keys } from "./keys";
import { useMay, useSession } from "./session";
import type { User } from "./types";

/** Everybody that the person may see; not asked for when they may see nobody. */
export function usePeople() {
  const may = useMay();
  return useQuery({
    queryKey: keys.users,
    queryFn: ({ signal }) => body(api.GET("/api/users", { signal })),
    enabled: may("user.read"),
    staleTime: 60_000,
  });
}

const machineId = /^[0-9a-f]{8}-[0-9a-f-]{27,}$/i;

/** The name behind a user id; a value that already is a name stays one, an unknown id is nobody's name. */
export function usePersonName(): (id: string | null) => string | null {
  const { data: people } = usePeople();
  const { data: me } = useSession();
  return (id) => {
    if (!id) return null;
    if (id === me?.user.id) return me.user.name;
    return people?.find((person) => person.id === id)?.name ?? (machineId.test(id) ? null : id);
  };
}

/** Who can be put in charge of something of this company. */
export const assignable = (people: readonly User[], companyId: string): User[] =>
  people.filter(
    (person) =>
      person.active &&
      person.role !== "client" &&
      (person.role === "msp_admin" || person.company_ids.includes(companyId)),
  );
