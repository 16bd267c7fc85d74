ALTER TABLE "ingest"."chunks" ADD COLUMN "is_typed" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."chunks" DROP COLUMN "plain_records";