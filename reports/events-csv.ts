import { stringify } from "csv-stringify/sync";
import { oneLine } from "./escape.ts";
import type { Reporter } from "./reporter.ts";

/** One row a KMS call that the audit trail shows, for spreadsheets. */
export const eventsCsv = {
  id: "events-csv",
  file: "kms-events.csv",
  isFor: ({ kmsEvents }) => kmsEvents.length > 0,
  render: ({ kmsEvents }) =>
    stringify(
      kmsEvents.map(({ time, name, user, keyId, keyVersionId, errorCode, requestId }) => ({
        time,
        event: oneLine(name),
        user: oneLine(user),
        key_id: oneLine(keyId ?? ""),
        key_version_id: oneLine(keyVersionId ?? ""),
        error_code: oneLine(errorCode ?? ""),
        request_id: oneLine(requestId),
      })),
      {
        header: true,
        columns: ["time", "event", "user", "key_id", "key_version_id", "error_code", "request_id"],
        escape_formulas: true,
      },
    ),
} satisfies Reporter;
