ALTER TABLE "ingest"."batches" ADD COLUMN "rows_after" bigint;--> statement-breakpoint
ALTER TABLE "ingest"."files" ADD COLUMN "removal_allowed_as" text;--> statement-breakpoint
CREATE INDEX "batches_snapshot" ON "ingest"."batches" USING btree ("stream_id","batch_id") WHERE rows_after is not null;