import type { Incident } from "@/api/types";
import { SeverityMark } from "@/components/Severity";
import { severityOrder } from "@/components/SeverityFilter";
import { count } from "@/lib/format";

import css from "./incidents.module.css";

export function SeverityCounts({ counts }: { counts: Incident["severity_counts"] }) {
  return (
    <table className={css.counts}>
      <tbody>
        {severityOrder
          .filter((severity) => counts[severity])
          .map((severity) => (
            <tr key={severity}>
              <th scope="row">
                <SeverityMark severity={severity} />
              </th>
              <td>{count(counts[severity])}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
