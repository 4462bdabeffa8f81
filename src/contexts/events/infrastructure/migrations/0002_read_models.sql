-- The tables of read models are made by their projections from now on, one for each instance, and
-- shown by views of the same names. What they held is made again from the log.
drop table events.catalogue;
drop table events.provider_runs;
