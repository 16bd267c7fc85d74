create domain public.year as integer
constraint year_check check (value >= 1901 and value <= 2155);

create type public.mpaa_rating as enum ('G', 'PG', 'PG-13', 'R', 'NC-17');

create table public.language (
    language_id smallint primary key,
    name char(20) not null
);

insert into public.language values (1, 'English'), (2, 'Italian');

create table public.film (
    film_id serial primary key,
    title varchar(255) not null,
    description text,
    release_year public.year,
    language_id smallint not null references public.language,
    original_language_id smallint references public.language,
    rental_duration smallint not null default 3,
    rental_rate numeric(4, 2) not null default 4.99,
    length smallint constraint film_length_check check (length > 0),
    replacement_cost numeric(5, 2) not null default 19.99,
    rating public.mpaa_rating default 'G',
    last_update timestamptz not null default now(),
    special_features text[],
    fulltext tsvector generated always as (to_tsvector('simple'::regconfig, title::text)) stored
);

-- Its titles are shorter than those of film: a record that it has no room for is refused by the trigger's insert.
create table public.film_text (
    film_id integer primary key,
    title varchar(30) not null,
    description text
);

create function public.fill_film_text()
returns trigger
language plpgsql
as $$
begin
    insert into public.film_text values (new.film_id, new.title, new.description);
    return null;
end
$$;

create trigger fill_film_text
after insert on public.film
for each row execute function public.fill_film_text();
