/**
 * Several machines on one: network namespaces with a host name each, joined by a bridge that this process is on, too. Linux alone, as
 * root, with Debian's iproute2.
 */
import { randomBytes, randomInt } from "node:crypto";
import { installDebianPackage } from "./debian-package.ts";

export type Network = ReturnType<typeof openNetwork>;

export interface Machine {
    name: string;
    /** What runs a command there, to be put before it. The process is the command's own. */
    prefix: string[];
    /** Unplugs it: nobody is told, packets are lost. */
    cutOff(): void;
    comeBack(): void;
}

/** Null when there can be machines here, else why not. */
export async function whyNoMachines(): Promise<string | null> {
    if (process.platform !== "linux") return "network namespaces need Linux";
    if (process.getuid?.() !== 0) return "only root may make network namespaces";
    const missing = Bun.which("ip", { PATH: places }) ? null : await installDebianPackage("iproute2", "`ip`");
    if (missing !== null) return missing;
    try {
        openNetwork().close();
        return null;
    } catch (error) {
        return (error as Error).message;
    }
}

/** Debian puts `ip` where only root looks. */
const places = `${process.env.PATH}:/usr/sbin:/sbin`;

export function openNetwork() {
    // An interface's name has at most 15 characters.
    const mark = `sl${randomBytes(3).toString("hex")}`;
    const subnet = `10.${randomInt(64, 192)}.${randomInt(0, 256)}`;
    const machines: string[] = [];
    ip("link", "add", mark, "type", "bridge");
    ip("addr", "add", `${subnet}.1/24`, "dev", mark);
    ip("link", "set", mark, "up");
    return {
        /** Of this process, for the machines. */
        address: `${subnet}.1`,
        addMachine(name: string): Machine {
            const no = machines.length + 2;
            const [space, plug, socket] = [`${mark}-${no}`, `${mark}p${no}`, `${mark}s${no}`];
            ip("netns", "add", space);
            machines.push(space);
            ip("link", "add", plug, "type", "veth", "peer", "name", socket, "netns", space);
            ip("link", "set", plug, "master", mark, "up");
            ip("-n", space, "addr", "add", `${subnet}.${no}/24`, "dev", socket);
            ip("-n", space, "link", "set", socket, "up");
            ip("-n", space, "link", "set", "lo", "up");
            const inside = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name];
            return {
                name,
                prefix: ["ip", "netns", "exec", space, ...inside],
                cutOff: () => ip("link", "set", plug, "down"),
                comeBack: () => ip("link", "set", plug, "up"),
            };
        },
        close() {
            for (const space of machines) ip("netns", "del", space);
            ip("link", "del", mark);
        },
    };
}

function ip(...args: string[]): void {
    const { success, stderr } = Bun.spawnSync(["ip", ...args], { env: { PATH: places } });
    if (!success) throw new Error(`ip ${args.join(" ")}: ${stderr.toString().trim()}`);
}
