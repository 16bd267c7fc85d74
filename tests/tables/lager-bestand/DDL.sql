create schema "Lager";

create type "Lager"."Zustand" as enum ('neu', 'geprüft', 'Ausschuß');

create table "Lager"."Regale" ("Regal Nr" varchar(6) primary key);
insert into "Lager"."Regale" values ('A-1'), ('Ö-2');

create table "Lager"."Artikel-Bestand" (
    "Artikel Nr" varchar(12) not null,
    "Größe" text not null,
    "select" boolean not null,
    "Preis (€)" numeric(8, 2) constraint "Preis ist positiv" check ("Preis (€)" > 0),
    "Rabatt %" smallint default 0,
    "Zustand" "Lager"."Zustand" not null default 'neu',
    "Regal" varchar(6) references "Lager"."Regale",
    "naïve ""Notiz""" varchar(5),
    "数量" integer,
    constraint "Artikel-Bestand pk" primary key ("Artikel Nr", "Größe"),
    constraint "Menge passt" check ("数量" between 0 and 1000)
);
