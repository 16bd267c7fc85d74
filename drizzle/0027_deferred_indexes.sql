CREATE TABLE "ingest"."deferred_indexes" (
	"deferred_index_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "ingest"."deferred_indexes_deferred_index_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"stream_id" smallint DEFAULT 0 NOT NULL,
	"table_name" text NOT NULL,
	"schema_name" text NOT NULL,
	"index_name" text NOT NULL,
	"definition" text NOT NULL,
	"tablespace" text NOT NULL,
	"comment" text,
	"deferred_at" timestamp with time zone DEFAULT now() NOT NULL,
	"problem" text,
	CONSTRAINT "deferred_indexes_name" UNIQUE("schema_name","index_name")
);
