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

-- People who run the instance. They sign in on the bare host and see gminas, never what is inside one.
CREATE TABLE platform.operators (
    id uuid NOT NULL CONSTRAINT operators_pkey PRIMARY KEY,
    email varchar(120) NOT NULL CONSTRAINT operators_email_key UNIQUE,
    name varchar(120) NOT NULL,
    password_hash varchar(200) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE platform.operator_sessions (
    token_hash varchar(64) NOT NULL CONSTRAINT operator_sessions_pkey PRIMARY KEY,
    operator_id uuid NOT NULL
        CONSTRAINT operator_sessions_operator_id_fkey REFERENCES platform.operators ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);

-- Who tried to sign in as an operator, when and from where. The runtime role only adds to it.
CREATE TABLE platform.operator_attempts (
    id uuid NOT NULL CONSTRAINT operator_attempts_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    operator_id uuid CONSTRAINT operator_attempts_operator_id_fkey REFERENCES platform.operators ON DELETE SET NULL,
    signed_in boolean NOT NULL,
    ip varchar(45) NOT NULL
);

GRANT USAGE ON SCHEMA platform TO {app};
GRANT SELECT ON platform.operators TO {app};
GRANT INSERT ON platform.operator_attempts TO {app};
GRANT SELECT, INSERT, DELETE ON platform.operator_sessions TO {app};
GRANT SELECT ON platform.tenants, platform.tenant_hosts, platform.tenant_plugins, platform.registry_version TO {app};
