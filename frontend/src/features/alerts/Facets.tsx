import Checkbox from "@mui/material/Checkbox";
import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import { keys } from "@/api/keys";
import type { AlertFilter, Severity } from "@/api/types";
import { Failure, Skeletons } from "@/components/states";
import { SeverityMark } from "@/components/Severity";
import { severityOrder } from "@/components/SeverityFilter";
import { brief, count } from "@/lib/format";
import { t } from "@/lib/strings";

import css from "./alerts.module.css";

export interface Choice {
  values: readonly string[];
  set: (values: string[]) => void;
}

type FacetName = keyof typeof t.alerts.facets;

const isSeverity = (value: string): value is Severity => (severityOrder as readonly string[]).includes(value);

function label(name: FacetName, value: string): React.ReactNode {
  if (name === "severity" && isSeverity(value)) return <SeverityMark severity={value} />;
  if (name === "status" && (value === "active" || value === "acknowledged" || value === "resolved")) {
    return t.status[value];
  }
  return <span className="ellipsis">{value}</span>;
}

function ordered(
  name: FacetName,
  counts: Record<string, number>,
  chosen: readonly string[],
): [string, number][] {
  const entries = Object.entries(counts);
  for (const value of chosen) if (!(value in counts)) entries.push([value, 0]);
  if (name !== "severity") return entries.sort(([, one], [, other]) => other - one);
  const rank = (value: string) => severityOrder.findIndex((severity) => severity === value);
  return entries.sort(([one], [other]) => rank(one) - rank(other));
}

function Facet({
  name,
  counts,
  choice,
  single,
}: {
  name: FacetName;
  counts: Record<string, number>;
  choice: Choice;
  single: boolean;
}) {
  const toggle = (value: string) => {
    if (choice.values.includes(value)) choice.set(choice.values.filter((other) => other !== value));
    else choice.set(single ? [value] : [...choice.values, value]);
  };
  const options = ordered(name, counts, choice.values);
  if (options.length === 0) return null;
  return (
    <fieldset className={css.facet}>
      <legend>{t.alerts.facets[name]}</legend>
      {options.map(([value, n]) => (
        <label key={value} className={css.option}>
          <Checkbox checked={choice.values.includes(value)} onChange={() => toggle(value)} />
          {label(name, value)}
          <span className={css.optionCount}>{brief(n)}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** What can be narrowed down to, with how many alerts each choice leaves. */
export function Facets({ filter, choices }: { filter: AlertFilter; choices: Record<FacetName, Choice> }) {
  // The counts are not narrowed by the text: the server searches texts row by row, and counts by index.
  const counted = { ...filter };
  delete counted.text;
  const query = useQuery({
    queryKey: keys.alertFacets(counted),
    queryFn: ({ signal }) => body(api.GET("/api/alerts/facets", { params: { query: counted }, signal })),
    placeholderData: keepPreviousData,
  });
  if (query.error && !query.data) return <Failure what={t.common.filters} error={query.error} />;
  if (!query.data) return <Skeletons rows={6} />;
  const facets = query.data;
  return (
    <>
      {(Object.keys(choices) as FacetName[]).map((name) => (
        <Facet
          key={name}
          name={name}
          counts={facets[name]}
          choice={choices[name]}
          single={name === "tool_source" || name === "asset_name"}
        />
      ))}
      {facets.sampled > 0 && <p className={css.sampled}>{t.alerts.sampled(count(facets.sampled))}</p>}
    </>
  );
}
