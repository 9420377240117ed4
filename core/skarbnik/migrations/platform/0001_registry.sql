-- The registry of gminas: small, central, read by every process once and kept in memory.
CREATE TABLE platform.tenants (
    id varchar(12) NOT NULL CONSTRAINT tenants_pkey PRIMARY KEY,
    slug varchar(63) NOT NULL CONSTRAINT tenants_slug_key UNIQUE,
    name varchar(120) NOT NULL,
    state varchar(24) NOT NULL,
    database varchar(40) NOT NULL DEFAULT 'main',
    colour varchar(7) NOT NULL DEFAULT '#0b5394',
    address varchar(200),
    email varchar(120),
    phone varchar(40),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT tenants_state_check CHECK (state IN ('creating', 'active', 'suspended', 'deleted')),
    CONSTRAINT tenants_id_check CHECK (id ~ '^[a-z][a-z0-9]{5,11}$'),
    CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')
);

-- A host that once belonged to a gmina stays its own: gateways go on calling it after a slug changed.
CREATE TABLE platform.tenant_hosts (
    host varchar(253) NOT NULL CONSTRAINT tenant_hosts_pkey PRIMARY KEY,
    tenant_id varchar(12) NOT NULL CONSTRAINT tenant_hosts_tenant_id_fkey REFERENCES platform.tenants
);

CREATE TABLE platform.tenant_plugins (
    tenant_id varchar(12) NOT NULL CONSTRAINT tenant_plugins_tenant_id_fkey REFERENCES platform.tenants,
    plugin varchar(40) NOT NULL,
    enabled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT tenant_plugins_pkey PRIMARY KEY (tenant_id, plugin)
);

CREATE TABLE platform.registry_version (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT registry_version_pkey PRIMARY KEY CHECK (only_row),
    version bigint NOT NULL
);
INSERT INTO platform.registry_version (version) VALUES (1);

CREATE FUNCTION platform.registry_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE platform.registry_version SET version = version + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER tenants_changed AFTER INSERT OR UPDATE OR DELETE ON platform.tenants
    FOR EACH STATEMENT EXECUTE FUNCTION platform.registry_changed();
CREATE TRIGGER tenant_hosts_changed AFTER INSERT OR UPDATE OR DELETE ON platform.tenant_hosts
    FOR EACH STATEMENT EXECUTE FUNCTION platform.registry_changed();
CREATE TRIGGER tenant_plugins_changed AFTER INSERT OR UPDATE OR DELETE ON platform.tenant_plugins
    FOR EACH STATEMENT EXECUTE FUNCTION platform.registry_changed();

-- People who run the instance. They sign in on the bare host and see gminas; inside one only what it lets them.
-- The secret of the second factor is sealed with the key ring; `factor_step` is the last time step whose code was used.
CREATE TABLE platform.operators (
    id uuid NOT NULL CONSTRAINT operators_pkey PRIMARY KEY,
    email varchar(120) NOT NULL CONSTRAINT operators_email_key UNIQUE,
    name varchar(80) NOT NULL,
    password_hash varchar(200) NOT NULL,
    factor bytea,
    factor_step bigint NOT NULL DEFAULT 0,
    blocked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Each lets in once, in the place of a code: a telephone gets lost. A used one is deleted.
CREATE TABLE platform.operator_recovery_codes (
    operator_id uuid NOT NULL
        CONSTRAINT operator_recovery_codes_operator_id_fkey REFERENCES platform.operators ON DELETE CASCADE,
    code_hash varchar(64) NOT NULL,
    CONSTRAINT operator_recovery_codes_pkey PRIMARY KEY (operator_id, code_hash)
);

CREATE TABLE platform.operator_sessions (
    token_hash varchar(64) NOT NULL CONSTRAINT operator_sessions_pkey PRIMARY KEY,
    operator_id uuid NOT NULL
        CONSTRAINT operator_sessions_operator_id_fkey REFERENCES platform.operators ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ip varchar(45) NOT NULL,
    agent varchar(160) NOT NULL
);

-- Who tried to sign in as an operator, when and from where. The runtime role only adds to it.
CREATE TABLE platform.operator_attempts (
    id uuid NOT NULL CONSTRAINT operator_attempts_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    operator_id uuid CONSTRAINT operator_attempts_operator_id_fkey REFERENCES platform.operators ON DELETE SET NULL,
    outcome varchar(24) NOT NULL,
    ip varchar(45) NOT NULL,
    CONSTRAINT operator_attempts_outcome_check
        CHECK (outcome IN ('password', 'signed_in', 'wrong_password', 'wrong_code', 'blocked'))
);
CREATE INDEX operator_attempts_operator_id_idx ON platform.operator_attempts (operator_id, id);

-- What operators did, in `/operator` and with commands (then nobody's id: who has the server needs no account).
-- The runtime role only adds to it. What they did inside a gmina stands in the gmina's own trail.
CREATE TABLE platform.operator_acts (
    id uuid NOT NULL CONSTRAINT operator_acts_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    operator_id uuid CONSTRAINT operator_acts_operator_id_fkey REFERENCES platform.operators,
    action varchar(60) NOT NULL,
    tenant_id varchar(12) CONSTRAINT operator_acts_tenant_id_fkey REFERENCES platform.tenants,
    access_id uuid,
    words varchar(200) NOT NULL DEFAULT '',
    ip varchar(45)
);
CREATE INDEX operator_acts_asked_idx ON platform.operator_acts (tenant_id, id) WHERE action = 'support.asked';

-- The runtime role changes nothing in the registry but this, and not without leaving a trace.
CREATE FUNCTION platform.set_tenant_state(
    changed varchar, wanted varchar, act uuid, by_operator uuid, why varchar, from_ip varchar
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF wanted NOT IN ('active', 'suspended') OR by_operator IS NULL OR why = '' THEN
        RAISE EXCEPTION 'a gmina is opened or closed, by somebody and for a reason' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE platform.tenants SET state = wanted
    WHERE id = changed AND state IN ('active', 'suspended') AND state <> wanted;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO platform.operator_acts (id, at, operator_id, action, tenant_id, words, ip)
    VALUES (act, clock_timestamp(), by_operator,
        CASE wanted WHEN 'active' THEN 'tenant.resumed' ELSE 'tenant.suspended' END, changed, why, from_ip);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION platform.set_tenant_state FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.set_tenant_state TO {app};

-- The runtime role writes down attempts, and takes away only the oldest ones, as long after as trails of gminas are kept
-- at least. Whoever adds one looks at more than one, so that strangers cannot make the table grow for ever.
CREATE FUNCTION platform.forget_operator_attempts() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH oldest AS MATERIALIZED (SELECT id, at FROM platform.operator_attempts ORDER BY id LIMIT 20)
    DELETE FROM platform.operator_attempts a USING oldest o
    WHERE a.id = o.id AND o.at < now() - interval '2 years 2 days'
$$;
REVOKE ALL ON FUNCTION platform.forget_operator_attempts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.forget_operator_attempts TO {app};

GRANT USAGE ON SCHEMA platform TO {app};
GRANT SELECT, UPDATE (factor, factor_step) ON platform.operators TO {app};
GRANT SELECT, INSERT, DELETE ON platform.operator_recovery_codes TO {app};
GRANT SELECT, INSERT ON platform.operator_attempts, platform.operator_acts TO {app};
GRANT SELECT, INSERT, UPDATE (seen_at), DELETE ON platform.operator_sessions TO {app};
GRANT SELECT ON platform.tenants, platform.tenant_hosts, platform.tenant_plugins, platform.registry_version TO {app};
