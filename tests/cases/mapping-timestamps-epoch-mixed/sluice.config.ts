import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { format: ["epoch-milliseconds", "epoch-seconds", "epoch-microseconds", "epoch-nanoseconds"] },
        },
    ],
});
