import { alerts } from "./strings/alerts";
import { auth } from "./strings/auth";
import { common, severity, status } from "./strings/common";
import { companies } from "./strings/companies";
import { estate } from "./strings/estate";
import { incidents } from "./strings/incidents";
import { live } from "./strings/live";
import { proof } from "./strings/proof";
import { overview, shell } from "./strings/shell";

/** Every sentence that the product shows. One catalogue, so that a second language is one more file. */
export const t = {
  common,
  severity,
  status,
  auth,
  shell,
  live,
  overview,
  incidents,
  alerts,
  estate,
  companies,
  proof,
};
