/** The commands for users, as `sluice` lists them. Each import is written out: a bundler finds it. */
import type { CommandGroups } from "../../src/commands/run-sluice.ts";

export const commandGroups = {
    Run: {
        start: () => import("../start.ts"),
        ingest: () => import("../ingest.ts"),
        api: () => import("../api.ts"),
        pause: () => import("../pause.ts"),
        resume: () => import("../resume.ts"),
        generate: () => import("../generate.ts"),
        samples: () => import("../samples.ts"),
    },
    Look: {
        status: () => import("../status.ts"),
        streams: () => import("../streams.ts"),
        files: () => import("../files.ts"),
        batches: () => import("../batches.ts"),
        rejects: () => import("../rejects.ts"),
        history: () => import("../history.ts"),
        trace: () => import("../trace.ts"),
        contract: () => import("../contract.ts"),
        check: () => import("../check.ts"),
        sql: () => import("../sql.ts"),
        doctor: () => import("../doctor.ts"),
        config: () => import("../config.ts"),
        notify: () => import("../notify.ts"),
    },
    Fix: {
        try: () => import("../try.ts"),
        replay: () => import("../replay.ts"),
        retry: () => import("../retry.ts"),
    },
    Delete: {
        prune: () => import("../prune.ts"),
        reset: () => import("../reset.ts"),
        remove: () => import("../remove.ts"),
    },
    "Set up": {
        init: () => import("../init.ts"),
        add: () => import("../add.ts"),
        migrate: () => import("../migrate.ts"),
        scale: () => import("../scale.ts"),
        "import-config": () => import("../import-config.ts"),
        completion: () => import("../completion.ts"),
    },
} satisfies CommandGroups;
