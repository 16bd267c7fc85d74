ALTER TABLE "ingest"."loader_lease" DROP COLUMN "only_row";--> statement-breakpoint
ALTER TABLE "ingest"."loader_lease" ADD PRIMARY KEY ("stream_id");
