ALTER TABLE "ingest"."streams" ADD COLUMN "paused_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ingest"."streams" ADD COLUMN "paused_by" text;--> statement-breakpoint
ALTER TABLE "ingest"."streams" ADD COLUMN "pause_reason" text;--> statement-breakpoint
CREATE INDEX "chunks_staged_at" ON "ingest"."chunks" USING brin ("staged_at") WITH (pages_per_range=32);--> statement-breakpoint
CREATE INDEX "files_discovered_at" ON "ingest"."files" USING btree ("discovered_at");