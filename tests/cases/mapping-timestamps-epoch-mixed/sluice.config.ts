import { defineConfig } from "../../../src/config-file/define-config.ts";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { format: ["epoch-milliseconds", "epoch-seconds", "epoch-microseconds", "epoch-nanoseconds"] },
        },
    ],
});
