/** A socket as systemd gives it to a service, and what arrives there. Bun has none; perl is part of every Debian. */
import { join } from "node:path";
import { afterTest } from "./at-end.ts";
import { installDebianPackage } from "./debian-package.ts";
import { makeFolder } from "./fixture.ts";
import { collect } from "./run-script.ts";
import { waitUntil } from "./wait-until.ts";

const receive = `
    my $path = shift;
    socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
    bind($socket, pack_sockaddr_un($path)) or die "bind: $!";
    $| = 1;
    print "listening\\n";
    while (defined recv($socket, my $message, 4096, 0)) { $message =~ s/\\n/\\t/g; print "$message\\n" }`;

/** systemd-notify of the machine, or of Debian's package. */
export async function requireSystemd(program: string): Promise<void> {
    if (Bun.which(program) !== null) return;
    const fault = await installDebianPackage("systemd", program);
    if (fault !== null) throw new Error(fault);
}

export async function openNotifySocket() {
    await requireSystemd("systemd-notify");
    const path = join(makeFolder(), "notify");
    const child = Bun.spawn(["perl", "-MSocket", "-e", receive, path], { stdout: "pipe", stderr: "pipe" });
    const [said, fault] = [collect(child.stdout), collect(child.stderr)];
    afterTest(() => child.kill());
    await waitUntil("the socket is open", () => {
        if (child.exitCode !== null) throw new Error(fault.text());
        return said.text().includes("listening");
    });
    return {
        path,
        /** Each a list of `NAME=value`; without systemd-notify's own question whether the message has arrived. */
        messages: () =>
            said
                .text()
                .split("\n")
                .slice(1, -1)
                .map((line) => line.split("\t").filter((field) => field !== ""))
                .filter(([first]) => first !== "BARRIER=1"),
    };
}
