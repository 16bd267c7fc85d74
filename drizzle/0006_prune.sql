CREATE TABLE "ingest"."pruned_totals" (
	"kind" text PRIMARY KEY NOT NULL,
	"batches" bigint NOT NULL,
	"read" bigint NOT NULL,
	"inserted" bigint NOT NULL,
	"duplicate" bigint NOT NULL,
	"conflict" bigint NOT NULL,
	"rejected" bigint NOT NULL,
	"displaced" bigint NOT NULL
);
--> statement-breakpoint
DROP INDEX "ingest"."chunks_load";--> statement-breakpoint
ALTER TABLE "ingest"."chunks" ADD COLUMN "pruned_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "rejects_odd_conflicts" ON "ingest"."rejects" USING btree ("reject_id") WHERE kind = 'conflict' and (original_record is not null or btrim(record ->> 'event_id', E' \t\n\r\f\x0b') <> btrim(record ->> 'event_id'));--> statement-breakpoint
CREATE INDEX "rejects_rejected_at" ON "ingest"."rejects" USING brin ("rejected_at") WITH (pages_per_range=32);--> statement-breakpoint
CREATE INDEX "chunks_load" ON "ingest"."chunks" USING btree ("load_id");