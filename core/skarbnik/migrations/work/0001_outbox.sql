-- What is due on this server, for all its gminas together, so that nobody has to visit every schema to find work.
CREATE TABLE work.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pkey PRIMARY KEY,
    tenant_id varchar(12) NOT NULL,
    topic varchar(60) NOT NULL,
    subject_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at timestamptz NOT NULL,
    lease_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    last_error varchar(500),
    parked_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX outbox_due_idx ON work.outbox (due_at) WHERE parked_at IS NULL;
CREATE INDEX outbox_parked_idx ON work.outbox (parked_at) WHERE parked_at IS NOT NULL;

CREATE TABLE work.schema_versions (
    tenant_id varchar(12) NOT NULL,
    distribution varchar(60) NOT NULL,
    version integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT schema_versions_pkey PRIMARY KEY (tenant_id, distribution)
);

-- A schedule rings once for each local day and time, however many schedulers run and whatever the clock does.
CREATE TABLE work.occurrences (
    schedule varchar(60) NOT NULL,
    local_time timestamp NOT NULL,
    rung_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT occurrences_pkey PRIMARY KEY (schedule, local_time)
);

-- The gmina is taken from the role of the transaction, which a gmina's session cannot choose, never from a parameter.
CREATE FUNCTION work.current_tenant() RETURNS varchar LANGUAGE plpgsql STABLE AS $$
DECLARE
    role_name text := current_setting('role');
BEGIN
    IF role_name !~ '^{instance}_t_[a-z0-9]+$' THEN
        RAISE EXCEPTION 'no gmina in this transaction (role %)', role_name USING ERRCODE = '42501';
    END IF;
    RETURN substr(role_name, length('{instance}_t_') + 1);
END $$;

CREATE FUNCTION work.publish(topic text, subject uuid, due timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO work.outbox (tenant_id, topic, subject_id, due_at)
    VALUES (work.current_tenant(), topic, subject, due)
$$;

REVOKE ALL ON FUNCTION work.publish(text, uuid, timestamptz), work.current_tenant() FROM PUBLIC;
GRANT USAGE ON SCHEMA work TO {app}, {tenants};
GRANT EXECUTE ON FUNCTION work.publish(text, uuid, timestamptz) TO {tenants};
GRANT SELECT, INSERT, UPDATE, DELETE ON work.outbox, work.occurrences TO {app};
GRANT SELECT ON work.schema_versions TO {app};
