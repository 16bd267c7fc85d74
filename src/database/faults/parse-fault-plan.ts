/** FAULT_AT and FAULT_ACTION, as config.ts reads them. */
import { exitCodes, SluiceError } from "../../errors.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { type FaultAction, type FaultPlan, type FaultPointName, faultActions, faultPoints } from "./fault-points.ts";

/**
 * `in-merge:2` and `freeze`; null for an empty place.
 * @throws SluiceError (configuration) for a point or an action that does not exist.
 */
export function parseFaultPlan(place: string | undefined, wantedAction: string | undefined): FaultPlan | null {
    const wanted = place?.trim();
    if (!wanted) return null;
    const [at = "", pass = "1"] = wanted.split(":");
    const action = wantedAction?.trim() || "kill";
    const isKnown = Object.hasOwn(faultPoints, at) && Object.hasOwn(faultActions, action);
    if (isKnown && /^[1-9]\d{0,8}$/.test(pass)) {
        return { at: at as FaultPointName, pass: Number(pass), action: action as FaultAction };
    }
    const given = `FAULT_AT "${sanitize(wanted, { most: 60 })}" with FAULT_ACTION "${sanitize(action, { most: 60 })}"`;
    throw new SluiceError({
        code: "bad_configuration",
        what: `${given} is no fault.`,
        remedy:
            `Unset it, or name a point (${Object.keys(faultPoints).join(", ")}), with :2 for its second pass, ` +
            `and an action (${Object.keys(faultActions).join(", ")}).`,
        exitCode: exitCodes.configuration,
    });
}
