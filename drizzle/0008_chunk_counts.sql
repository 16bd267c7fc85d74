ALTER TABLE "ingest"."chunks" ADD COLUMN "plain_records" bigint;--> statement-breakpoint
ALTER TABLE "ingest"."chunks" ADD COLUMN "slice_records" integer[];