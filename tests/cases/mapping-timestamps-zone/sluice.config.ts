import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { format: "dd.MM.yyyy HH:mm", zone: "Europe/Berlin" },
        },
    ],
});
