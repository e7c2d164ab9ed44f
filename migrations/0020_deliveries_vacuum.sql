-- Rows come to their end quickly here, and a claim walks over the dead ones at the head of its indexes: the default would let
-- a fifth of the table die first.
alter table deliveries set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
