/** Before `bun run start` and `bun run test`: installs what bun.lock names, and says so if that takes longer than a look. */
import { join } from "node:path";

const install = Bun.spawn([process.execPath, "install", "--frozen-lockfile", "--silent"], {
    cwd: join(import.meta.dir, "../.."),
    stdio: ["ignore", "inherit", "inherit"],
});
const startedAt = performance.now();
let isSaid = false;
const timer = setTimeout(() => {
    isSaid = true;
    process.stderr.write("Installing packages: about 200 MB to download the first time …");
    setInterval(() => process.stderr.write("."), 1000).unref();
}, 700);
const exitCode = await install.exited;
clearTimeout(timer);
if (isSaid) {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    process.stderr.write(exitCode === 0 ? ` done after ${seconds} s.\n` : "\n");
}
process.exit(exitCode);
