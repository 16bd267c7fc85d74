import { Option } from "commander";
import { runCommand } from "../src/commands/command.ts";
import { databaseCommand } from "../src/commands/database-command.ts";
import { refuse } from "../src/commands/refuse.ts";
import { describeNotifications } from "../src/commands/status/format-status.ts";
import { notifyFields } from "../src/config/config.ts";
import { settings } from "../src/config/settings.ts";
import { program } from "../src/environment.ts";
import { exitCodes } from "../src/errors.ts";
import { composeTestMessage } from "../src/operations/notify/compose-message.ts";
import { sendMessage } from "../src/operations/notify/send-message.ts";
import { readStatus } from "../src/operations/status/read-status.ts";
import { formatDuration } from "../src/terminal/format.ts";
import { sanitize } from "../src/terminal/sanitize.ts";

export const command = databaseCommand({
    name: "notify",
    summary: "Shows where messages about changes of state go, and what became of them; --test sends one.",
    description:
        "`ingest`, `start` and `api` send them while notify.webhook in sluice.config.ts, or SLUICE_NOTIFY_WEBHOOK, is set. SLUICE_NOTIFY_SECRET signs them. docs/operations.md has recipes.",
    fields: notifyFields,
    options: [new Option("--test", "send a test message now, and show what came back; exit 1 if it was not taken")],
    examples: [
        [`${program} notify`, "delivered, waiting and failed messages"],
        [`${program} notify --test`, "does the receiver take them?"],
    ],
    async run({ flags, config, inDatabase }) {
        const { notifyWebhook: webhook, notifySecret: secret = null } = config;
        const receiver = webhook === undefined ? null : settings.notifyWebhook.mask!(webhook);
        const isSigned = secret !== null;
        if (flags.test !== true) {
            const { asOf, notifications } = await inDatabase((sql) => readStatus(sql));
            const where =
                receiver === null
                    ? "No messages are sent from here: notify.webhook is not set."
                    : `Messages go to ${receiver}, ${isSigned ? "signed" : "not signed: SLUICE_NOTIFY_SECRET is not set"}.`;
            const lines = [where, `${describeNotifications({ asOf, notifications }) ?? "None was sent so far"}.`];
            return { lines, json: { receiver, isSigned, notifications } };
        }
        if (webhook === undefined) {
            throw refuse(
                "no_webhook",
                "There is no address to send a message to.",
                'Set it in sluice.config.ts, notify: { webhook: "https://…" }, or in SLUICE_NOTIFY_WEBHOOK.',
                exitCodes.configuration,
            );
        }
        const message = composeTestMessage();
        const begunMs = performance.now();
        const { failure, status, answer } = await sendMessage(message, { webhook, secret });
        const tookMs = Math.round(performance.now() - begunMs);
        const words = sanitize(answer.trim(), { most: 200 });
        const said = words === "" ? "" : ` It answered: ${words}`;
        if (failure !== null) {
            throw refuse(
                "notification_failed",
                `${receiver} did not take the message: ${failure}, after ${formatDuration(tookMs)}.${said}`,
                "Correct notify.webhook, SLUICE_NOTIFY_SECRET or the receiver.",
                exitCodes.failed,
            );
        }
        const signed = isSigned ? "signed" : "not signed";
        return {
            lines: [
                `${receiver} took message ${message.id} (${signed}): HTTP ${status}, after ${formatDuration(tookMs)}.${said}`,
            ],
            json: { id: message.id, receiver, isSigned, status, tookMs, answer: words },
        };
    },
});

if (import.meta.main) await runCommand(command);
