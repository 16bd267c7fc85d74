create schema ledger;

create table ledger.accounts (code varchar(8) primary key);
insert into ledger.accounts values ('1000'), ('8400');

create table ledger.entries (
    entry_no varchar(10) primary key,
    debit varchar(8) not null references ledger.accounts deferrable initially deferred,
    credit varchar(8) not null references ledger.accounts deferrable initially deferred,
    amount numeric(14, 2) not null,
    booked_on date not null default '2000-01-01',
    signature bytea,
    flags bit(4),
    constraint entries_amount check (amount > 0),
    constraint entries_two_accounts check (debit <> credit)
);
