ALTER TABLE "ingest"."rejects" DROP CONSTRAINT "rejects_chunk_record";--> statement-breakpoint
ALTER TABLE "ingest"."batches" ADD COLUMN "kind" text DEFAULT 'merge' NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."batches" ADD COLUMN "displaced" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."chunk_merges" ADD COLUMN "displaced" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."files" ADD COLUMN "archived_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ingest"."files" ADD COLUMN "archived_to" text;--> statement-breakpoint
ALTER TABLE "ingest"."rejects" ADD COLUMN "original_record" jsonb;--> statement-breakpoint
ALTER TABLE "ingest"."rejects" ADD COLUMN "edited_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ingest"."rejects" ADD COLUMN "resolved_by_batch" bigint;--> statement-breakpoint
ALTER TABLE "ingest"."rejects" ADD COLUMN "resolved_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ingest"."rejects" ADD COLUMN "resolution" text;--> statement-breakpoint
CREATE INDEX "chunks_held" ON "ingest"."chunks" USING btree ("file_id") WHERE state = 'held';--> statement-breakpoint
CREATE INDEX "files_unarchived" ON "ingest"."files" USING btree ("file_id") WHERE state in ('merged', 'skipped') and archived_at is null;--> statement-breakpoint
CREATE INDEX "rejects_resolved_by" ON "ingest"."rejects" USING btree ("resolved_by_batch") WHERE resolved_by_batch is not null;--> statement-breakpoint
CREATE INDEX "rejects_event_id" ON "ingest"."rejects" USING btree (left(lower(btrim(record ->> 'event_id')), 36));--> statement-breakpoint
ALTER TABLE "ingest"."rejects" ADD CONSTRAINT "rejects_chunk_record_batch" UNIQUE("chunk_id","record_no","batch_id");