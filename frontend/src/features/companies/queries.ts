import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import type { CompanyConfigs, ConfigType } from "@/api/types";
import { t } from "@/lib/strings";
import { toast } from "@/lib/toasts";

export const summaryQuery = (id: string) => ({
  queryKey: keys.summary(id),
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    body(api.GET("/api/companies/{company_id}/summary", { params: { path: { company_id: id } }, signal })),
});

const configPaths = {
  correlation: "/api/companies/{company_id}/configs/correlation",
  rate_limit: "/api/companies/{company_id}/configs/rate_limit",
  webhook_security: "/api/companies/{company_id}/configs/webhook_security",
} as const;

// The path names the type of the document; the compiler cannot follow that through a lookup, so one path stands for all.
const pathOf = (type: ConfigType) => configPaths[type] as typeof configPaths.rate_limit;

/** One settings document of a company. */
export function useConfig<T extends ConfigType>(id: string, type: T) {
  return useQuery({
    queryKey: keys.config(id, type),
    queryFn: async ({ signal }) =>
      (await body(
        api.GET(pathOf(type), { params: { path: { company_id: id } }, signal }),
      )) as unknown as CompanyConfigs[T],
  });
}

/** What a person sets of a document; the rest of it is the server's to say. */
const settable: { [T in ConfigType]: (config: CompanyConfigs[T]) => object } = {
  correlation: (config) => config,
  rate_limit: (config) => config,
  webhook_security: ({ hmac_enabled, signature_header, timestamp_header, max_skew_seconds }) => ({
    hmac_enabled,
    signature_header,
    timestamp_header,
    max_skew_seconds,
  }),
};

/** Saves a settings document as a whole; the undo of its toast puts the one before back. */
export function useSaveConfig<T extends ConfigType>(id: string, type: T) {
  const cache = useQueryClient();
  const put = async (config: CompanyConfigs[T]) => {
    const saved = await body(
      api.PUT(pathOf(type), {
        params: { path: { company_id: id } },
        body: settable[type](config) as CompanyConfigs["rate_limit"],
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
