import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import type { CompanyConfigs, ConfigType } from "@/api/types";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

export const summaryQuery = (id: string) => ({
  queryKey: keys.summary(id),
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    body(api.GET("/api/companies/{id}/summary", { params: { path: { id } }, signal })),
});

/** One settings document of a company. The path names its type, so the answer is of that type. */
export function useConfig<T extends ConfigType>(id: string, type: T) {
  return useQuery({
    queryKey: keys.config(id, type),
    queryFn: async ({ signal }) =>
      (await body(
        api.GET("/api/companies/{id}/configs/{config_type}", {
          params: { path: { id, config_type: type } },
          signal,
        }),
      )) as unknown as CompanyConfigs[T],
  });
}

/** Saves a settings document as a whole; the undo of its toast puts the one before back. */
export function useSaveConfig<T extends ConfigType>(id: string, type: T) {
  const cache = useQueryClient();
  const put = async (config: CompanyConfigs[T]) => {
    const saved = await body(
      api.PUT("/api/companies/{id}/configs/{config_type}", {
        params: { path: { id, config_type: type } },
        body: { ...config },
      }),
    );
    cache.setQueryData(keys.config(id, type), saved);
  };
  return useMutation({
    mutationFn: async ({ next, before }: { next: CompanyConfigs[T]; before: CompanyConfigs[T] }) => {
      await put(next);
      toast(t.common.saved, { undo: () => void put(before).then(() => toast(t.common.undone)) });
    },
    onError: (error) =>
      toast(t.incidents.verbFailed(t.common.save), { tone: "error", detail: error.message }),
  });
}
