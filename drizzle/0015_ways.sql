ALTER TABLE "ingest"."loads" DROP CONSTRAINT "loads_way";--> statement-breakpoint
UPDATE "ingest"."loads" SET "way" = CASE "way" WHEN 'raw' THEN 'verbatim' ELSE 'parsed' END WHERE "way" in ('raw', 'tolerant');--> statement-breakpoint
ALTER TABLE "ingest"."loads" ADD CONSTRAINT "loads_way" CHECK (way in ('verbatim', 'parsed', 'replay'));
