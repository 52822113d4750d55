"""
Time: what it is now, working hours, and when something is due. The only room that asks the system.

    clock          now, zones, the calendar's working time
    opening_hours  when work is done; `holidays` when not
    periods        ISO 8601 durations
    timers         when a timer of a diagram is due; `cron` its rules of that kind
"""
