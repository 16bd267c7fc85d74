create table public."Album" ("AlbumId" integer primary key);
create table public."MediaType" ("MediaTypeId" integer primary key);
create table public."Genre" ("GenreId" integer primary key);
insert into public."Album" values (1), (2);
insert into public."MediaType" values (1), (2);
insert into public."Genre" values (1);

create table public."Track" (
    "TrackId" integer not null,
    "Name" varchar(200) not null,
    "AlbumId" integer,
    "MediaTypeId" integer not null,
    "GenreId" integer,
    "Composer" varchar(220),
    "Milliseconds" integer not null,
    "Bytes" integer,
    "UnitPrice" numeric(10, 2) not null,
    constraint "PK_Track" primary key ("TrackId"),
    constraint "FK_TrackAlbumId" foreign key ("AlbumId") references public."Album",
    constraint "FK_TrackMediaTypeId" foreign key ("MediaTypeId") references public."MediaType",
    constraint "FK_TrackGenreId" foreign key ("GenreId") references public."Genre"
);

create index "IFK_TrackAlbumId" on public."Track" ("AlbumId");
