-- What a finance system calls a gmina is one gmina's only, for ever: nobody's files are taken for another's.
CREATE TABLE work.exchange_codes (
    plugin varchar(40) NOT NULL,
    code varchar(40) NOT NULL,
    tenant_id varchar(12) NOT NULL,
    CONSTRAINT exchange_codes_pkey PRIMARY KEY (plugin, code)
);

-- True when the code is now, or was already, the one of the gmina whose role the transaction has.
CREATE FUNCTION work.claim_exchange_code(plugin text, code text) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO work.exchange_codes (plugin, code, tenant_id) VALUES ($1, $2, work.current_tenant())
    ON CONFLICT DO NOTHING;
    SELECT c.tenant_id = work.current_tenant() FROM work.exchange_codes c WHERE c.plugin = $1 AND c.code = $2
$$;

REVOKE ALL ON FUNCTION work.claim_exchange_code(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION work.claim_exchange_code(text, text) TO {tenants};
