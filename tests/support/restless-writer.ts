/**
 * A writer that knows no manners: rewrites one file in place and cuts it short again and again, while somebody reads it;
 * its last word is the whole content. `bun tests/support/restless-writer.ts FILE RECORDS ROUNDS`
 */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

const [file, records, rounds] = process.argv.slice(2);
const header = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price\n";
const lines = Array.from({ length: Number(records) }, (_, index) => {
    const eventId = `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
    return `${eventId},purchase,p1,u1,2024-05-01 10:00:00,1,1.00\n`;
});
const content = Buffer.from(header + lines.join(""));
const descriptor = openSync(file!, "w");
for (let round = 0; round < Number(rounds); round += 1) {
    writeSync(descriptor, content, 0, content.length, 0);
    Bun.sleepSync(Math.random() * 3);
    ftruncateSync(descriptor, Math.floor(Math.random() * 3_000));
    if (Math.random() < 0.2) Bun.sleepSync(2);
}
writeSync(descriptor, content, 0, content.length, 0);
closeSync(descriptor);
