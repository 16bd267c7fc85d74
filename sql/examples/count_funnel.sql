-- How many users per day viewed, added to the cart, and bought? Each user counts once per day and step.
-- Columns: day, viewed, added_to_cart, purchased, percent_of_viewers_who_bought
with
    user_days as (
        select
            date_trunc('day', events.event_timestamp, 'UTC') as day,
            events.user_id,
            bool_or(events.event_type = 'view') as has_viewed,
            bool_or(events.event_type = 'add_to_cart') as has_added,
            bool_or(events.event_type = 'purchase') as has_bought
        from public.events
        group by 1, 2
    )

select
    user_days.day::date as day,
    count(*) filter (where user_days.has_viewed) as viewed,
    count(*) filter (where user_days.has_viewed and user_days.has_added) as added_to_cart,
    count(*) filter (where user_days.has_viewed and user_days.has_added and user_days.has_bought) as purchased,
    round(
        100.0 * count(*) filter (where user_days.has_viewed and user_days.has_added and user_days.has_bought)
        / nullif(count(*) filter (where user_days.has_viewed), 0),
        1
    ) as percent_of_viewers_who_bought
from user_days
group by user_days.day
order by user_days.day desc
limit 31;
