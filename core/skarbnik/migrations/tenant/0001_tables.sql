-- All tables of a gmina as the product starts with. Drafted from the models; a test compares the two for ever.
CREATE TABLE api_clients (
    id UUID NOT NULL,
    name VARCHAR(80) NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    scopes VARCHAR(200) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT api_clients_pkey PRIMARY KEY (id)
);

CREATE TABLE audit_entries (
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor VARCHAR(20) NOT NULL,
    actor_id UUID,
    action VARCHAR(60) NOT NULL,
    subject VARCHAR(40) NOT NULL,
    subject_id UUID,
    payers UUID[] DEFAULT '{}' NOT NULL,
    request_id VARCHAR(40),
    ip VARCHAR(45),
    seal INTEGER,
    CONSTRAINT audit_entries_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_entries_waiting_idx ON audit_entries (id) WHERE seal IS NULL;
CREATE INDEX audit_entries_actor_idx ON audit_entries (actor, actor_id, action, id);
CREATE INDEX audit_entries_action_idx ON audit_entries (action, id);
CREATE INDEX audit_entries_subject_id_idx ON audit_entries (subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_entries_payers_idx ON audit_entries USING gin (payers) WHERE payers <> '{}';

CREATE TABLE audit_keeping (
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    years INTEGER NOT NULL,
    changed_by UUID,
    CONSTRAINT audit_keeping_pkey PRIMARY KEY (changed_at),
    CONSTRAINT audit_keeping_years_check CHECK (years BETWEEN 2 AND 50)
);

CREATE TABLE audit_seals (
    number INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    first_id UUID NOT NULL,
    last_id UUID NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    content VARCHAR(64) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    key_version INTEGER NOT NULL,
    mark VARCHAR(64) NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT audit_seals_pkey PRIMARY KEY (number)
);

CREATE TABLE creditor_accounts (
    id UUID NOT NULL,
    nrb VARCHAR(26) NOT NULL,
    owner VARCHAR(120) NOT NULL,
    title VARCHAR(120) NOT NULL,
    CONSTRAINT creditor_accounts_pkey PRIMARY KEY (id),
    CONSTRAINT creditor_accounts_nrb_key UNIQUE (nrb)
);

CREATE TABLE mails (
    id UUID NOT NULL,
    cause VARCHAR(40) NOT NULL,
    subject_id UUID NOT NULL,
    recipient VARCHAR(120) NOT NULL,
    subject VARCHAR(200) NOT NULL,
    text VARCHAR(8000) NOT NULL,
    paper BYTEA,
    paper_name VARCHAR(80),
    state VARCHAR(24) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT mails_pkey PRIMARY KEY (id),
    CONSTRAINT mails_cause_subject_id_key UNIQUE (cause, subject_id),
    CONSTRAINT mails_paper_check CHECK (paper IS NULL OR paper_name IS NOT NULL),
    CONSTRAINT mails_mailstate_check CHECK (state IN ('waiting', 'sent', 'refused'))
);

CREATE TABLE payers (
    id UUID NOT NULL,
    source VARCHAR(20) NOT NULL,
    external_id VARCHAR(64) NOT NULL,
    kind VARCHAR(24) NOT NULL,
    name VARCHAR(200) NOT NULL,
    pesel_sealed VARCHAR(80),
    pesel_hash UUID,
    pesel_key INTEGER,
    nip VARCHAR(10),
    regon VARCHAR(14),
    street VARCHAR(120),
    postal_code VARCHAR(6),
    city VARCHAR(80),
    email VARCHAR(120),
    phone VARCHAR(31),
    merged_next UUID,
    merged_into UUID,
    merged_from UUID[] NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    digest UUID NOT NULL,
    run_id UUID NOT NULL,
    CONSTRAINT payers_pkey PRIMARY KEY (id),
    CONSTRAINT payers_source_external_id_key UNIQUE (source, external_id),
    CONSTRAINT payers_payerkind_check CHECK (kind IN ('person', 'company')),
    CONSTRAINT payers_merged_into_fkey FOREIGN KEY(merged_into) REFERENCES payers (id)
);
CREATE INDEX payers_pesel_hash_idx ON payers (pesel_hash);

CREATE TABLE plugin_settings (
    id UUID NOT NULL,
    holder VARCHAR(80) NOT NULL,
    version INTEGER NOT NULL,
    sealed BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by UUID,
    CONSTRAINT plugin_settings_pkey PRIMARY KEY (id),
    CONSTRAINT plugin_settings_holder_version_key UNIQUE (holder, version)
);

CREATE TABLE sign_in_attempts (
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    kind VARCHAR(24) NOT NULL,
    user_id UUID,
    outcome VARCHAR(24) NOT NULL,
    way VARCHAR(40) NOT NULL,
    ip VARCHAR(45) NOT NULL,
    CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (id),
    CONSTRAINT sign_in_attempts_userkind_check CHECK (kind IN ('resident', 'official')),
    CONSTRAINT sign_in_attempts_signinoutcome_check CHECK (outcome IN ('signed_in', 'wrong', 'blocked', 'first_step', 'wrong_code'))
);
CREATE INDEX sign_in_attempts_user_id_idx ON sign_in_attempts (user_id, id);

CREATE TABLE sources (
    id VARCHAR(20) NOT NULL,
    plugin VARCHAR(40) NOT NULL,
    title VARCHAR(80) NOT NULL,
    tenant_code VARCHAR(40) NOT NULL,
    settings_version INTEGER NOT NULL,
    last_import INTEGER NOT NULL,
    last_batch INTEGER NOT NULL,
    last_included INTEGER NOT NULL,
    last_closed INTEGER NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE,
    hours VARCHAR(71),
    most_closing INTEGER NOT NULL,
    fetch_key UUID,
    documents_key UUID,
    next_fetch_at TIMESTAMP WITH TIME ZONE,
    fetched_at TIMESTAMP WITH TIME ZONE,
    fetch_error VARCHAR(160),
    fetch_failures INTEGER NOT NULL,
    CONSTRAINT sources_most_closing_check CHECK (most_closing BETWEEN 1 AND 100),
    CONSTRAINT sources_pkey PRIMARY KEY (id)
);

CREATE TABLE users (
    id UUID NOT NULL,
    kind VARCHAR(24) NOT NULL,
    state VARCHAR(24) NOT NULL,
    email VARCHAR(120),
    name VARCHAR(120) NOT NULL,
    password_hash VARCHAR(100),
    language VARCHAR(2) NOT NULL,
    terms_version VARCHAR(28),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    roles VARCHAR(56) NOT NULL,
    pesel_hash UUID,
    pesel_key INTEGER,
    feed_version INTEGER NOT NULL,
    phone VARCHAR(16),
    CONSTRAINT users_closed_is_nobody_check CHECK (state <> 'closed' OR (email IS NULL AND password_hash IS NULL AND pesel_hash IS NULL AND phone IS NULL AND name = '')),
    CONSTRAINT users_kind_pesel_hash_key UNIQUE (kind, pesel_hash),
    CONSTRAINT users_officials_have_email_check CHECK (kind = 'resident' OR email IS NOT NULL),
    CONSTRAINT users_pesel_is_whole_check CHECK ((pesel_hash IS NULL) = (pesel_key IS NULL)),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_kind_email_key UNIQUE (kind, email),
    CONSTRAINT users_roles_are_known_check CHECK (roles ~ '^((administrator|accountant|communications|surveys|auditor)( |$))*$'),
    CONSTRAINT users_userkind_check CHECK (kind IN ('resident', 'official')),
    CONSTRAINT users_userstate_check CHECK (state IN ('invited', 'active', 'blocked', 'closed'))
);

CREATE TABLE api_tokens (
    token_hash VARCHAR(64) NOT NULL,
    client_id UUID NOT NULL,
    scopes VARCHAR(200) NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT api_tokens_pkey PRIMARY KEY (token_hash),
    CONSTRAINT api_tokens_client_id_fkey FOREIGN KEY(client_id) REFERENCES api_clients (id)
);

CREATE TABLE booking_batches (
    id UUID NOT NULL,
    source VARCHAR(20) NOT NULL,
    number INTEGER NOT NULL,
    state VARCHAR(24) NOT NULL,
    file_name VARCHAR(120) NOT NULL,
    content BYTEA NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE,
    answered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT booking_batches_pkey PRIMARY KEY (id),
    CONSTRAINT booking_batches_source_number_key UNIQUE (source, number),
    CONSTRAINT booking_batches_source_fkey FOREIGN KEY(source) REFERENCES sources (id),
    CONSTRAINT booking_batches_batchstate_check CHECK (state IN ('made', 'delivered', 'answered'))
);

CREATE TABLE import_runs (
    id UUID NOT NULL,
    source VARCHAR(20) NOT NULL,
    file_name VARCHAR(120) NOT NULL,
    origin VARCHAR(24) NOT NULL,
    asked_by UUID,
    state VARCHAR(24) NOT NULL,
    dry BOOLEAN NOT NULL,
    consented_by UUID,
    due_at TIMESTAMP WITH TIME ZONE,
    sha256 VARCHAR(64),
    number INTEGER,
    kind VARCHAR(24),
    as_of TIMESTAMP WITH TIME ZONE,
    totals JSONB,
    counts JSONB NOT NULL,
    message VARCHAR(300),
    bytes_all BIGINT,
    bytes_read BIGINT,
    registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT import_runs_pkey PRIMARY KEY (id),
    CONSTRAINT import_runs_source_fkey FOREIGN KEY(source) REFERENCES sources (id),
    CONSTRAINT import_runs_origin_check CHECK (origin IN ('folder', 'upload', 'push', 'fetch')),
    CONSTRAINT import_runs_runstate_check CHECK (state IN ('waiting', 'running', 'held', 'applied', 'tried', 'refused')),
    CONSTRAINT import_runs_importkind_check CHECK (kind IN ('full', 'incremental'))
);
CREATE UNIQUE INDEX import_runs_applied_key ON import_runs (source, number) WHERE state = 'applied';
CREATE UNIQUE INDEX import_runs_open_key ON import_runs (source, file_name) WHERE finished_at IS NULL;

CREATE TABLE replaced_rows (
    replaced_by UUID NOT NULL,
    row_id UUID NOT NULL,
    written_by UUID NOT NULL,
    title VARCHAR(200),
    number VARCHAR(80),
    account VARCHAR(26),
    due_on DATE,
    principal BIGINT,
    interest BIGINT,
    costs BIGINT,
    closed BOOLEAN NOT NULL,
    CONSTRAINT replaced_rows_pkey PRIMARY KEY (replaced_by, row_id)
);
CREATE INDEX replaced_rows_row_id_idx ON replaced_rows (row_id);

CREATE TABLE kinds (
    id UUID NOT NULL,
    source VARCHAR(20) NOT NULL,
    code VARCHAR(32) NOT NULL,
    title VARCHAR(120) NOT NULL,
    regime VARCHAR(24) NOT NULL,
    creditor_account_id UUID,
    said_account VARCHAR(26),
    position INTEGER NOT NULL,
    online BOOLEAN NOT NULL,
    in_parts BOOLEAN NOT NULL,
    interest VARCHAR(24) NOT NULL,
    resolution VARCHAR(80),
    CONSTRAINT kinds_pkey PRIMARY KEY (id),
    CONSTRAINT kinds_source_code_key UNIQUE (source, code),
    CONSTRAINT kinds_interestmode_check CHECK (interest IN ('given', 'computed')),
    CONSTRAINT kinds_regime_check CHECK (regime IN ('tax', 'civil', 'none')),
    CONSTRAINT kinds_creditor_account_id_fkey FOREIGN KEY(creditor_account_id) REFERENCES creditor_accounts (id)
);

CREATE TABLE dated_values (
    kind VARCHAR(24) NOT NULL,
    from_on DATE NOT NULL,
    value INTEGER,
    note VARCHAR(200) NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT dated_values_pkey PRIMARY KEY (kind, from_on),
    CONSTRAINT dated_values_datedkind_check
        CHECK (kind IN ('tax_rate', 'civil_rate', 'tax_threshold', 'reminder_cost', 'others_limit', 'free_day'))
);

CREATE TABLE mandate_requests (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    basis VARCHAR(24) NOT NULL,
    name VARCHAR(200),
    nip VARCHAR(10),
    role VARCHAR(24),
    document VARCHAR(300) NOT NULL,
    document_on DATE,
    wanted_until DATE,
    wants_pay BOOLEAN NOT NULL,
    language VARCHAR(2) NOT NULL,
    state VARCHAR(24) NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    payer_id UUID,
    from_on DATE,
    until_on DATE,
    may_pay BOOLEAN,
    ended_by UUID,
    ended_at TIMESTAMP WITH TIME ZONE,
    reason VARCHAR(300),
    CONSTRAINT mandate_requests_pkey PRIMARY KEY (id),
    CONSTRAINT mandate_requests_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT mandate_requests_decided_by_fkey FOREIGN KEY(decided_by) REFERENCES users (id),
    CONSTRAINT mandate_requests_payer_id_fkey FOREIGN KEY(payer_id) REFERENCES payers (id),
    CONSTRAINT mandate_requests_ended_by_fkey FOREIGN KEY(ended_by) REFERENCES users (id),
    CONSTRAINT mandate_requests_mandatebasis_check CHECK (basis IN ('self', 'company', 'proxy')),
    CONSTRAINT mandate_requests_companyrole_check CHECK (role IN ('owner', 'board', 'proxy')),
    CONSTRAINT mandate_requests_requeststate_check
        CHECK (state IN ('asked', 'confirmed', 'refused', 'withdrawn', 'ended')),
    CONSTRAINT mandate_requests_of_another_check CHECK (basis <> 'self'),
    CONSTRAINT mandate_requests_says_something_check CHECK (num_nonnulls(name, nip) > 0 AND document <> ''),
    CONSTRAINT mandate_requests_decided_whole_check CHECK (
        num_nonnulls(decided_by, decided_at) = CASE WHEN state IN ('asked', 'withdrawn') THEN 0 ELSE 2 END),
    CONSTRAINT mandate_requests_given_whole_check CHECK (
        num_nonnulls(payer_id, from_on, may_pay) = CASE WHEN state IN ('confirmed', 'ended') THEN 3 ELSE 0 END),
    CONSTRAINT mandate_requests_ended_whole_check CHECK (
        num_nonnulls(ended_by, ended_at) = CASE state WHEN 'ended' THEN 2 ELSE 0 END),
    CONSTRAINT mandate_requests_refused_with_reason_check CHECK (state <> 'refused' OR coalesce(reason, '') <> '')
);
CREATE INDEX mandate_requests_state_id_idx ON mandate_requests (state, id);
CREATE INDEX mandate_requests_user_id_idx ON mandate_requests (user_id);

CREATE TABLE mandates (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    payer_id UUID NOT NULL,
    basis VARCHAR(24) NOT NULL,
    may_pay BOOLEAN NOT NULL,
    from_on DATE NOT NULL,
    until_on DATE,
    confirmed_by UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    request_id UUID,
    CONSTRAINT mandates_pkey PRIMARY KEY (id),
    CONSTRAINT mandates_user_id_payer_id_basis_key UNIQUE (user_id, payer_id, basis),
    CONSTRAINT mandates_period_check CHECK (until_on IS NULL OR until_on >= from_on - 1),
    CONSTRAINT mandates_confirmed_by_somebody_check CHECK ((basis = 'self') = (request_id IS NULL)),
    CONSTRAINT mandates_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT mandates_payer_id_fkey FOREIGN KEY(payer_id) REFERENCES payers (id),
    CONSTRAINT mandates_mandatebasis_check CHECK (basis IN ('self', 'company', 'proxy')),
    CONSTRAINT mandates_confirmed_by_fkey FOREIGN KEY(confirmed_by) REFERENCES users (id),
    CONSTRAINT mandates_request_id_fkey FOREIGN KEY(request_id) REFERENCES mandate_requests (id)
);
CREATE INDEX mandates_payer_id_idx ON mandates (payer_id);

CREATE TABLE merchant_accounts (
    id UUID NOT NULL,
    gateway VARCHAR(40) NOT NULL,
    merchant VARCHAR(60) NOT NULL,
    title VARCHAR(80) NOT NULL,
    creditor_account_id UUID NOT NULL,
    settings_version INTEGER NOT NULL,
    hook_secret VARCHAR(64) NOT NULL,
    enabled BOOLEAN NOT NULL,
    commission_payer VARCHAR(24) NOT NULL,
    commission_rate INTEGER NOT NULL,
    commission_fixed BIGINT NOT NULL,
    blik BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    proposal_id UUID,
    proposed_keys BYTEA,
    proposed_by UUID,
    proposed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT merchant_accounts_pkey PRIMARY KEY (id),
    CONSTRAINT merchant_accounts_commissionpayer_check CHECK (commission_payer IN ('gmina', 'payer')),
    CONSTRAINT merchant_accounts_commission_check
        CHECK (commission_rate BETWEEN 0 AND 1000 AND commission_fixed BETWEEN 0 AND 1000),
    CONSTRAINT merchant_accounts_proposal_check CHECK (num_nulls(proposal_id, proposed_keys, proposed_by, proposed_at) IN (0, 4)),
    CONSTRAINT merchant_accounts_proposed_by_fkey FOREIGN KEY(proposed_by) REFERENCES users (id),
    CONSTRAINT merchant_accounts_gateway_merchant_key UNIQUE (gateway, merchant),
    CONSTRAINT merchant_accounts_creditor_account_id_fkey FOREIGN KEY(creditor_account_id) REFERENCES creditor_accounts (id),
    CONSTRAINT merchant_accounts_hook_secret_key UNIQUE (hook_secret)
);

CREATE TABLE payment_links (
    id UUID NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    origin VARCHAR(24) NOT NULL,
    payer_id UUID NOT NULL,
    created_by UUID,
    instalment_ids UUID[] NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT payment_links_pkey PRIMARY KEY (id),
    CONSTRAINT payment_links_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT payment_links_linkorigin_check CHECK (origin IN ('link', 'code')),
    CONSTRAINT payment_links_instalments_check CHECK (cardinality(instalment_ids) BETWEEN 1 AND 200),
    CONSTRAINT payment_links_origin_check CHECK ((origin = 'link') = (created_by IS NOT NULL)),
    CONSTRAINT payment_links_payer_id_fkey FOREIGN KEY(payer_id) REFERENCES payers (id),
    CONSTRAINT payment_links_created_by_fkey FOREIGN KEY(created_by) REFERENCES users (id)
);
CREATE INDEX payment_links_payer_id_idx ON payment_links (payer_id);
CREATE INDEX payment_links_expires_at_idx ON payment_links (expires_at) WHERE origin = 'code';

CREATE TABLE payment_orders (
    id UUID NOT NULL,
    number VARCHAR(16) NOT NULL,
    request_key UUID NOT NULL,
    state VARCHAR(24) NOT NULL,
    payer_id UUID NOT NULL,
    user_id UUID,
    link_id UUID,
    return_secret VARCHAR(64),
    amount BIGINT NOT NULL,
    email VARCHAR(120),
    language VARCHAR(5) NOT NULL,
    ordered_on DATE NOT NULL,
    ordered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    held_until TIMESTAMP WITH TIME ZONE NOT NULL,
    paid_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT payment_orders_pkey PRIMARY KEY (id),
    CONSTRAINT payment_orders_number_key UNIQUE (number),
    CONSTRAINT payment_orders_request_key_key UNIQUE (request_key),
    CONSTRAINT payment_orders_return_check CHECK ((link_id IS NULL) = (return_secret IS NULL)),
    CONSTRAINT payment_orders_paymentorderstate_check CHECK (state IN ('created', 'started', 'abandoned', 'partly_paid', 'paid', 'refunded')),
    CONSTRAINT payment_orders_payer_id_fkey FOREIGN KEY(payer_id) REFERENCES payers (id),
    CONSTRAINT payment_orders_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT payment_orders_link_id_fkey FOREIGN KEY(link_id) REFERENCES payment_links (id)
);
CREATE INDEX payment_orders_link_id_idx ON payment_orders (link_id) WHERE link_id IS NOT NULL;
CREATE INDEX payment_orders_payer_id_ordered_at_idx ON payment_orders (payer_id, ordered_at);

CREATE TABLE switches (
    name VARCHAR(24) NOT NULL,
    is_on BOOLEAN NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_by UUID NOT NULL,
    CONSTRAINT switches_pkey PRIMARY KEY (name),
    CONSTRAINT switches_switchname_check CHECK (name IN ('name_co_owners', 'support_at_once')),
    CONSTRAINT switches_changed_by_fkey FOREIGN KEY(changed_by) REFERENCES users (id)
);

CREATE TABLE official_scopes (
    user_id UUID NOT NULL,
    kind_id UUID,
    creditor_account_id UUID,
    CONSTRAINT official_scopes_user_id_kind_id_creditor_account_id_key
        UNIQUE NULLS NOT DISTINCT (user_id, kind_id, creditor_account_id),
    CONSTRAINT official_scopes_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT official_scopes_kind_id_fkey FOREIGN KEY(kind_id) REFERENCES kinds (id),
    CONSTRAINT official_scopes_creditor_account_id_fkey FOREIGN KEY(creditor_account_id) REFERENCES creditor_accounts (id),
    CONSTRAINT official_scopes_one_thing_check CHECK (num_nulls(kind_id, creditor_account_id) = 1)
);

CREATE TABLE password_links (
    user_id UUID NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    made_by UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT password_links_pkey PRIMARY KEY (user_id),
    CONSTRAINT password_links_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT password_links_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE second_factors (
    user_id UUID NOT NULL,
    mark VARCHAR(64) NOT NULL,
    kind VARCHAR(24) NOT NULL,
    name VARCHAR(60),
    credential_id BYTEA,
    secret BYTEA,
    counter BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT second_factors_pkey PRIMARY KEY (user_id, mark),
    CONSTRAINT second_factors_factorkind_check CHECK (kind IN ('totp', 'passkey', 'recovery')),
    CONSTRAINT second_factors_one_app_check CHECK ((kind = 'totp') = (mark = 'app')),
    CONSTRAINT second_factors_passkey_check
        CHECK (num_nulls(name, credential_id) = CASE kind WHEN 'passkey' THEN 0 ELSE 2 END),
    CONSTRAINT second_factors_secret_check CHECK ((kind = 'recovery') = (secret IS NULL)),
    CONSTRAINT second_factors_bounds_check
        CHECK (octet_length(credential_id) <= 1023 AND octet_length(secret) <= 1100),
    CONSTRAINT second_factors_counter_check CHECK (counter >= 0),
    CONSTRAINT second_factors_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE web_sessions (
    token_hash VARCHAR(64) NOT NULL,
    user_id UUID NOT NULL,
    way VARCHAR(40) NOT NULL,
    second_at TIMESTAMP WITH TIME ZONE,
    payer_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ip VARCHAR(45) NOT NULL,
    agent VARCHAR(160) NOT NULL,
    CONSTRAINT web_sessions_pkey PRIMARY KEY (token_hash),
    CONSTRAINT web_sessions_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE support_accesses (
    id UUID NOT NULL,
    operator_id UUID NOT NULL,
    operator_name VARCHAR(80) NOT NULL,
    reason VARCHAR(200) NOT NULL,
    scope VARCHAR(24) NOT NULL,
    hours INTEGER NOT NULL,
    state VARCHAR(24) NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    until_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by UUID,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by UUID,
    link_hash UUID,
    link_until TIMESTAMP WITH TIME ZONE,
    session_hash UUID,
    seen_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT support_accesses_pkey PRIMARY KEY (id),
    CONSTRAINT support_accesses_decided_by_fkey FOREIGN KEY(decided_by) REFERENCES users (id),
    CONSTRAINT support_accesses_ended_by_fkey FOREIGN KEY(ended_by) REFERENCES users (id),
    CONSTRAINT support_accesses_support_check CHECK (scope IN ('look', 'administer')),
    CONSTRAINT support_accesses_supportstate_check CHECK (state IN ('asked', 'agreed', 'refused', 'ended')),
    CONSTRAINT support_accesses_hours_check CHECK (hours IN (1, 4, 24)),
    CONSTRAINT support_accesses_says_why_check CHECK (reason <> ''),
    CONSTRAINT support_accesses_enters_agreed_check
        CHECK (state = 'agreed' OR link_hash IS NULL AND session_hash IS NULL)
);

CREATE TABLE differences (
    id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    subject_id UUID NOT NULL,
    order_id UUID,
    merchant_account_id UUID,
    day DATE,
    amount BIGINT,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    owner_id UUID,
    note VARCHAR(200),
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by UUID,
    resolution VARCHAR(200),
    CONSTRAINT differences_pkey PRIMARY KEY (id),
    CONSTRAINT differences_order_id_fkey FOREIGN KEY(order_id) REFERENCES payment_orders (id),
    CONSTRAINT differences_merchant_account_id_fkey FOREIGN KEY(merchant_account_id) REFERENCES merchant_accounts (id),
    CONSTRAINT differences_owner_id_fkey FOREIGN KEY(owner_id) REFERENCES users (id),
    CONSTRAINT differences_closed_by_fkey FOREIGN KEY(closed_by) REFERENCES users (id)
);
CREATE UNIQUE INDEX differences_open_key ON differences (kind, subject_id) WHERE closed_at IS NULL;
CREATE INDEX differences_day_idx ON differences (day);

CREATE TABLE settlement_reports (
    id UUID NOT NULL,
    merchant_account_id UUID NOT NULL,
    day DATE NOT NULL,
    origin VARCHAR(24) NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    asked_to UUID,
    told_at TIMESTAMP WITH TIME ZONE,
    error VARCHAR(40),
    CONSTRAINT settlement_reports_pkey PRIMARY KEY (id),
    CONSTRAINT settlement_reports_merchant_account_id_day_key UNIQUE (merchant_account_id, day),
    CONSTRAINT settlement_reports_merchant_account_id_fkey FOREIGN KEY(merchant_account_id) REFERENCES merchant_accounts (id),
    CONSTRAINT settlement_reports_settlementorigin_check CHECK (origin IN ('report', 'asked', 'statement'))
);

CREATE TABLE payouts (
    id UUID NOT NULL,
    merchant_account_id UUID NOT NULL,
    external_id VARCHAR(80) NOT NULL,
    amount BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    paid_on DATE NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT payouts_pkey PRIMARY KEY (id),
    CONSTRAINT payouts_merchant_account_id_external_id_key UNIQUE (merchant_account_id, external_id),
    CONSTRAINT payouts_fee_not_negative_check CHECK (fee >= 0),
    CONSTRAINT payouts_merchant_account_id_fkey FOREIGN KEY(merchant_account_id) REFERENCES merchant_accounts (id)
);

CREATE TABLE identity_providers (
    id VARCHAR(40) NOT NULL,
    title VARCHAR(60),
    door VARCHAR(24) NOT NULL,
    enabled BOOLEAN NOT NULL,
    level VARCHAR(24) NOT NULL,
    settings_version INTEGER,
    draft BYTEA,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT identity_providers_pkey PRIMARY KEY (id),
    CONSTRAINT identity_providers_settings_check CHECK (NOT enabled OR settings_version IS NOT NULL),
    CONSTRAINT identity_providers_door_check CHECK (door IN ('residents', 'office')),
    CONSTRAINT identity_providers_assurance_check CHECK (level IN ('low', 'substantial', 'high'))
);

CREATE TABLE pending_sign_ins (
    handle_hash VARCHAR(64) NOT NULL,
    cookie_hash VARCHAR(64) NOT NULL,
    request_id UUID NOT NULL,
    provider VARCHAR(40) NOT NULL,
    purpose VARCHAR(24) NOT NULL,
    user_id UUID,
    level VARCHAR(24) NOT NULL,
    wanted VARCHAR(300) NOT NULL,
    kept BYTEA,
    begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pending_sign_ins_pkey PRIMARY KEY (handle_hash),
    CONSTRAINT pending_sign_ins_signinpurpose_check CHECK (purpose IN ('enter', 'connect', 'trial')),
    CONSTRAINT pending_sign_ins_assurance_check CHECK (level IN ('low', 'substantial', 'high'))
);

CREATE TABLE used_answers (
    answer_hash VARCHAR(64) NOT NULL,
    until_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT used_answers_pkey PRIMARY KEY (answer_hash)
);

CREATE TABLE provider_sessions (
    id UUID NOT NULL,
    provider VARCHAR(40) NOT NULL,
    sealed BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT provider_sessions_pkey PRIMARY KEY (id)
);

CREATE TABLE identities (
    subject_hash VARCHAR(64) NOT NULL,
    user_id UUID NOT NULL,
    provider VARCHAR(40) NOT NULL,
    proves_pesel BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (subject_hash),
    CONSTRAINT identities_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX identities_user_id_idx ON identities (user_id);

CREATE TABLE import_problems (
    run_id UUID NOT NULL,
    position INTEGER NOT NULL,
    line INTEGER,
    code VARCHAR(40) NOT NULL,
    message VARCHAR(300) NOT NULL,
    CONSTRAINT import_problems_pkey PRIMARY KEY (run_id, position),
    CONSTRAINT import_problems_run_id_fkey FOREIGN KEY(run_id) REFERENCES import_runs (id)
);

CREATE TABLE receivables (
    id UUID NOT NULL,
    source VARCHAR(20) NOT NULL,
    external_id VARCHAR(64) NOT NULL,
    kind_id UUID NOT NULL,
    parent_id UUID,
    title VARCHAR(200) NOT NULL,
    number VARCHAR(80),
    period_from DATE,
    period_until DATE,
    basis VARCHAR(500),
    account VARCHAR(26),
    payment_code VARCHAR(32),
    closed_at TIMESTAMP WITH TIME ZONE,
    digest UUID NOT NULL,
    run_id UUID NOT NULL,
    block UUID,
    block_totals BIGINT[],
    CONSTRAINT receivables_pkey PRIMARY KEY (id),
    CONSTRAINT receivables_source_external_id_key UNIQUE (source, external_id),
    CONSTRAINT receivables_kind_id_fkey FOREIGN KEY(kind_id) REFERENCES kinds (id),
    CONSTRAINT receivables_parent_id_fkey FOREIGN KEY(parent_id) REFERENCES receivables (id),
    CONSTRAINT receivables_block_check CHECK ((block IS NULL) = (block_totals IS NULL))
);
CREATE UNIQUE INDEX receivables_payment_code_key ON receivables (payment_code, source) WHERE payment_code IS NOT NULL;

CREATE TABLE transactions (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    merchant_account_id UUID NOT NULL,
    settings_version INTEGER NOT NULL,
    state VARCHAR(24) NOT NULL,
    external_id VARCHAR(80),
    amount BIGINT NOT NULL,
    is_blik BOOLEAN NOT NULL,
    redirect_url VARCHAR(1000),
    asked_times INTEGER NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE,
    answer VARCHAR(200),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT transactions_pkey PRIMARY KEY (id),
    CONSTRAINT transactions_merchant_account_id_external_id_key UNIQUE (merchant_account_id, external_id),
    CONSTRAINT transactions_amount_positive_check CHECK (amount > 0),
    CONSTRAINT transactions_order_id_fkey FOREIGN KEY(order_id) REFERENCES payment_orders (id),
    CONSTRAINT transactions_merchant_account_id_fkey FOREIGN KEY(merchant_account_id) REFERENCES merchant_accounts (id),
    CONSTRAINT transactions_transactionstate_check CHECK (state IN ('created', 'unknown', 'pending', 'completed', 'rejected'))
);
CREATE INDEX transactions_order_id_idx ON transactions (order_id);

CREATE TABLE captures (
    id UUID NOT NULL,
    transaction_id UUID NOT NULL,
    merchant_account_id UUID NOT NULL,
    external_id VARCHAR(80) NOT NULL,
    payment_id VARCHAR(80),
    amount BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    method VARCHAR(40),
    state VARCHAR(24) NOT NULL,
    reason VARCHAR(24),
    captured_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT captures_pkey PRIMARY KEY (id),
    CONSTRAINT captures_merchant_account_id_external_id_key UNIQUE (merchant_account_id, external_id),
    CONSTRAINT captures_amount_positive_check CHECK (amount > 0),
    CONSTRAINT captures_transaction_id_fkey FOREIGN KEY(transaction_id) REFERENCES transactions (id),
    CONSTRAINT captures_merchant_account_id_fkey FOREIGN KEY(merchant_account_id) REFERENCES merchant_accounts (id),
    CONSTRAINT captures_capturestate_check CHECK (state IN ('allocated', 'in_suspense', 'refunded'))
);
CREATE INDEX captures_transaction_id_idx ON captures (transaction_id);
CREATE INDEX captures_captured_at_idx ON captures (captured_at);
CREATE INDEX captures_payment_id_idx ON captures (payment_id) WHERE payment_id IS NOT NULL;

CREATE TABLE instalments (
    id UUID NOT NULL,
    source VARCHAR(20) NOT NULL,
    external_id VARCHAR(64) NOT NULL,
    receivable_id UUID NOT NULL,
    number INTEGER NOT NULL,
    due_on DATE NOT NULL,
    charged BIGINT NOT NULL,
    principal BIGINT NOT NULL,
    interest BIGINT NOT NULL,
    costs BIGINT NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    digest UUID NOT NULL,
    run_id UUID NOT NULL,
    CONSTRAINT instalments_pkey PRIMARY KEY (id),
    CONSTRAINT instalments_source_external_id_key UNIQUE (source, external_id),
    CONSTRAINT instalments_amounts_not_negative_check CHECK (charged >= 0 AND principal >= 0 AND interest >= 0 AND costs >= 0),
    CONSTRAINT instalments_receivable_id_fkey FOREIGN KEY(receivable_id) REFERENCES receivables (id)
);
CREATE INDEX instalments_receivable_id_idx ON instalments (receivable_id);

CREATE TABLE liabilities (
    receivable_id UUID NOT NULL,
    payer_id UUID NOT NULL,
    role VARCHAR(24) NOT NULL,
    share_part INTEGER NOT NULL,
    share_whole INTEGER NOT NULL,
    from_on DATE,
    until_on DATE,
    closed_at TIMESTAMP WITH TIME ZONE,
    digest UUID NOT NULL,
    run_id UUID NOT NULL,
    CONSTRAINT liabilities_pkey PRIMARY KEY (receivable_id, payer_id, role),
    CONSTRAINT liabilities_share_check CHECK (share_part > 0 AND share_part <= share_whole),
    CONSTRAINT liabilities_receivable_id_fkey FOREIGN KEY(receivable_id) REFERENCES receivables (id),
    CONSTRAINT liabilities_payer_id_fkey FOREIGN KEY(payer_id) REFERENCES payers (id),
    CONSTRAINT liabilities_liabilityrole_check CHECK (role IN ('owner', 'co_owner', 'user', 'guarantor'))
);
CREATE INDEX liabilities_payer_id_idx ON liabilities (payer_id);

CREATE TABLE notifications (
    id UUID NOT NULL,
    merchant_account_id UUID NOT NULL,
    key VARCHAR(120) NOT NULL,
    transaction_id UUID NOT NULL,
    headers VARCHAR(4000) NOT NULL,
    body BYTEA NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    happened_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_merchant_account_id_key_key UNIQUE (merchant_account_id, key),
    CONSTRAINT notifications_merchant_account_id_fkey FOREIGN KEY(merchant_account_id) REFERENCES merchant_accounts (id),
    CONSTRAINT notifications_transaction_id_fkey FOREIGN KEY(transaction_id) REFERENCES transactions (id)
);
CREATE INDEX notifications_transaction_id_idx ON notifications (transaction_id);

CREATE TABLE overpayments (
    id UUID NOT NULL,
    source VARCHAR(20) NOT NULL,
    external_id VARCHAR(64) NOT NULL,
    payer_id UUID NOT NULL,
    receivable_id UUID,
    amount BIGINT NOT NULL,
    arose_on DATE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    digest UUID NOT NULL,
    run_id UUID NOT NULL,
    CONSTRAINT overpayments_pkey PRIMARY KEY (id),
    CONSTRAINT overpayments_source_external_id_key UNIQUE (source, external_id),
    CONSTRAINT overpayments_amount_positive_check CHECK (amount > 0),
    CONSTRAINT overpayments_payer_id_fkey FOREIGN KEY(payer_id) REFERENCES payers (id),
    CONSTRAINT overpayments_receivable_id_fkey FOREIGN KEY(receivable_id) REFERENCES receivables (id)
);
CREATE INDEX overpayments_payer_id_idx ON overpayments (payer_id);

CREATE TABLE documents (
    id UUID NOT NULL,
    source VARCHAR(20) NOT NULL,
    external_id VARCHAR(64) NOT NULL,
    receivable_id UUID NOT NULL,
    title VARCHAR(160) NOT NULL,
    issued_on DATE NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    size INTEGER NOT NULL,
    arrived_at TIMESTAMP WITH TIME ZONE,
    trouble VARCHAR(24),
    ask_at TIMESTAMP WITH TIME ZONE,
    asks INTEGER NOT NULL DEFAULT 0,
    closed_at TIMESTAMP WITH TIME ZONE,
    digest UUID NOT NULL,
    run_id UUID NOT NULL,
    CONSTRAINT documents_pkey PRIMARY KEY (id),
    CONSTRAINT documents_source_external_id_key UNIQUE (source, external_id),
    CONSTRAINT documents_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT documents_size_check CHECK (size BETWEEN 1 AND 20971520),
    CONSTRAINT documents_documenttrouble_check CHECK (trouble IN ('missing', 'not_a_file', 'size', 'checksum', 'not_pdf', 'not_given')),
    CONSTRAINT documents_receivable_id_fkey FOREIGN KEY(receivable_id) REFERENCES receivables (id)
);
CREATE INDEX documents_receivable_id_idx ON documents (receivable_id);
CREATE INDEX documents_waiting_idx ON documents (source, sha256, id) WHERE arrived_at IS NULL AND closed_at IS NULL;
CREATE INDEX documents_ask_at_idx ON documents (source, ask_at) WHERE arrived_at IS NULL AND closed_at IS NULL AND ask_at IS NOT NULL;
CREATE INDEX documents_new_idx ON documents (source, sha256, id) WHERE arrived_at IS NULL AND closed_at IS NULL AND trouble IS NULL;

CREATE TABLE operations (
    id UUID NOT NULL,
    source VARCHAR(20) NOT NULL,
    external_id VARCHAR(64) NOT NULL,
    receivable_id UUID NOT NULL,
    instalment_id UUID,
    kind VARCHAR(24) NOT NULL,
    booked_on DATE NOT NULL,
    happened_on DATE NOT NULL,
    document VARCHAR(64) NOT NULL,
    principal BIGINT NOT NULL,
    interest BIGINT NOT NULL,
    costs BIGINT NOT NULL,
    counterpart VARCHAR(64),
    booking_id UUID,
    closed_at TIMESTAMP WITH TIME ZONE,
    digest UUID NOT NULL,
    run_id UUID NOT NULL,
    CONSTRAINT operations_pkey PRIMARY KEY (id),
    CONSTRAINT operations_source_external_id_key UNIQUE (source, external_id),
    CONSTRAINT operations_receivable_id_fkey FOREIGN KEY(receivable_id) REFERENCES receivables (id),
    CONSTRAINT operations_instalment_id_fkey FOREIGN KEY(instalment_id) REFERENCES instalments (id),
    CONSTRAINT operations_operationkind_check CHECK (kind IN ('charge', 'decrease', 'payment', 'refund', 'rebooking', 'remission', 'deferral'))
);
CREATE INDEX operations_booking_id_idx ON operations (booking_id) WHERE booking_id IS NOT NULL;
CREATE INDEX operations_receivable_id_idx ON operations (receivable_id);

CREATE TABLE order_lines (
    id UUID NOT NULL,
    order_id UUID NOT NULL,
    position INTEGER NOT NULL,
    instalment_id UUID NOT NULL,
    instalment_digest UUID NOT NULL,
    payer_id UUID NOT NULL,
    creditor_account_id UUID NOT NULL,
    title VARCHAR(240) NOT NULL,
    is_part BOOLEAN NOT NULL,
    principal BIGINT NOT NULL,
    interest BIGINT NOT NULL,
    costs BIGINT NOT NULL,
    CONSTRAINT order_lines_pkey PRIMARY KEY (id),
    CONSTRAINT order_lines_amounts_check CHECK (principal >= 0 AND interest >= 0 AND costs >= 0 AND principal + interest + costs > 0),
    CONSTRAINT order_lines_order_id_fkey FOREIGN KEY(order_id) REFERENCES payment_orders (id),
    CONSTRAINT order_lines_instalment_id_fkey FOREIGN KEY(instalment_id) REFERENCES instalments (id),
    CONSTRAINT order_lines_payer_id_fkey FOREIGN KEY(payer_id) REFERENCES payers (id),
    CONSTRAINT order_lines_creditor_account_id_fkey FOREIGN KEY(creditor_account_id) REFERENCES creditor_accounts (id)
);
CREATE INDEX order_lines_instalment_id_idx ON order_lines (instalment_id);
CREATE INDEX order_lines_order_id_idx ON order_lines (order_id);

CREATE TABLE refunds (
    id UUID NOT NULL,
    capture_id UUID NOT NULL,
    kind VARCHAR(24) NOT NULL,
    amount BIGINT NOT NULL,
    approved_amount BIGINT,
    state VARCHAR(24) NOT NULL,
    external_id VARCHAR(80),
    reason VARCHAR(200) NOT NULL,
    happened_on DATE,
    reference VARCHAR(80),
    requested_by UUID NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    declined_because VARCHAR(200),
    asked_times INTEGER NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE,
    answer VARCHAR(200),
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT refunds_pkey PRIMARY KEY (id),
    CONSTRAINT refunds_amount_positive_check CHECK (amount > 0),
    CONSTRAINT refunds_four_eyes_check CHECK (decided_by IS NULL OR decided_by <> requested_by),
    CONSTRAINT refunds_decided_check CHECK ((decided_by IS NULL) = (state IN ('proposed', 'withdrawn'))),
    CONSTRAINT refunds_decided_at_check CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT refunds_declined_check CHECK ((declined_because IS NOT NULL) = (state = 'declined')),
    CONSTRAINT refunds_outside_check CHECK (kind = 'gateway' OR (happened_on IS NOT NULL AND reference IS NOT NULL)),
    CONSTRAINT refunds_asked_check CHECK (kind = 'gateway' OR state NOT IN ('approved', 'sent', 'rejected')),
    CONSTRAINT refunds_approved_amount_check
        CHECK (approved_amount IS NULL OR (kind = 'gateway' AND state = 'completed')),
    CONSTRAINT refunds_capture_id_fkey FOREIGN KEY(capture_id) REFERENCES captures (id),
    CONSTRAINT refunds_refundkind_check CHECK (kind IN ('gateway', 'outside', 'chargeback')),
    CONSTRAINT refunds_refundstage_check
        CHECK (state IN ('proposed', 'withdrawn', 'declined', 'approved', 'sent', 'completed', 'rejected')),
    CONSTRAINT refunds_requested_by_fkey FOREIGN KEY(requested_by) REFERENCES users (id),
    CONSTRAINT refunds_decided_by_fkey FOREIGN KEY(decided_by) REFERENCES users (id)
);
CREATE INDEX refunds_capture_id_idx ON refunds (capture_id);

CREATE TABLE booking_lines (
    id UUID NOT NULL,
    capture_id UUID NOT NULL,
    order_line_id UUID NOT NULL,
    refund_id UUID,
    instalment_id UUID NOT NULL,
    principal BIGINT NOT NULL,
    interest BIGINT NOT NULL,
    costs BIGINT NOT NULL,
    state VARCHAR(24) NOT NULL,
    reason VARCHAR(200),
    reference VARCHAR(64),
    booked_on DATE,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    answered_at TIMESTAMP WITH TIME ZONE,
    seen_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT booking_lines_pkey PRIMARY KEY (id),
    CONSTRAINT booking_lines_capture_id_order_line_id_refund_id_key UNIQUE NULLS NOT DISTINCT (capture_id, order_line_id, refund_id),
    CONSTRAINT booking_lines_sign_check CHECK ((refund_id IS NULL) = (principal + interest + costs > 0)),
    CONSTRAINT booking_lines_capture_id_fkey FOREIGN KEY(capture_id) REFERENCES captures (id),
    CONSTRAINT booking_lines_order_line_id_fkey FOREIGN KEY(order_line_id) REFERENCES order_lines (id),
    CONSTRAINT booking_lines_refund_id_fkey FOREIGN KEY(refund_id) REFERENCES refunds (id),
    CONSTRAINT booking_lines_instalment_id_fkey FOREIGN KEY(instalment_id) REFERENCES instalments (id),
    CONSTRAINT booking_lines_bookingstate_check
        CHECK (state IN ('planned', 'dropped', 'waiting', 'in_suspense', 'sent', 'refused', 'booked', 'refunded'))
);
CREATE INDEX booking_lines_not_seen_idx ON booking_lines (instalment_id) WHERE seen_at IS NULL;
CREATE INDEX booking_lines_waiting_idx ON booking_lines (recorded_at) WHERE state = 'waiting';

CREATE TABLE settlement_lines (
    id UUID NOT NULL,
    merchant_account_id UUID NOT NULL,
    kind VARCHAR(24) NOT NULL,
    external_id VARCHAR(80) NOT NULL,
    payment_id VARCHAR(80),
    amount BIGINT NOT NULL,
    fee BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    happened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    counts_on DATE NOT NULL,
    origin VARCHAR(24) NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    payout_id UUID,
    transaction_id UUID,
    capture_id UUID,
    refund_id UUID,
    CONSTRAINT settlement_lines_pkey PRIMARY KEY (id),
    CONSTRAINT settlement_lines_merchant_account_id_kind_external_id_key UNIQUE (merchant_account_id, kind, external_id),
    CONSTRAINT settlement_lines_fee_not_negative_check CHECK (fee >= 0),
    CONSTRAINT settlement_lines_sign_check
        CHECK (CASE kind WHEN 'payment' THEN amount > 0 WHEN 'correction' THEN true ELSE amount < 0 END),
    CONSTRAINT settlement_lines_no_payout_check CHECK (kind <> 'payout'),
    CONSTRAINT settlement_lines_merchant_account_id_fkey FOREIGN KEY(merchant_account_id) REFERENCES merchant_accounts (id),
    CONSTRAINT settlement_lines_settlementkind_check CHECK (kind IN ('payment', 'refund', 'chargeback', 'fee', 'correction', 'payout')),
    CONSTRAINT settlement_lines_settlementorigin_check CHECK (origin IN ('report', 'asked', 'statement')),
    CONSTRAINT settlement_lines_payout_id_fkey FOREIGN KEY(payout_id) REFERENCES payouts (id),
    CONSTRAINT settlement_lines_transaction_id_fkey FOREIGN KEY(transaction_id) REFERENCES transactions (id),
    CONSTRAINT settlement_lines_capture_id_fkey FOREIGN KEY(capture_id) REFERENCES captures (id),
    CONSTRAINT settlement_lines_refund_id_fkey FOREIGN KEY(refund_id) REFERENCES refunds (id)
);
CREATE INDEX settlement_lines_counts_on_idx ON settlement_lines (counts_on);
CREATE INDEX settlement_lines_payout_id_idx ON settlement_lines (payout_id) WHERE payout_id IS NOT NULL;
CREATE UNIQUE INDEX settlement_lines_capture_key ON settlement_lines (capture_id) WHERE kind = 'payment';
CREATE INDEX settlement_lines_unmatched_idx ON settlement_lines (merchant_account_id) WHERE capture_id IS NULL;

CREATE TABLE batch_lines (
    batch_id UUID NOT NULL,
    booking_line_id UUID NOT NULL,
    reference VARCHAR(64),
    booked_on DATE,
    refusal VARCHAR(200),
    CONSTRAINT batch_lines_pkey PRIMARY KEY (batch_id, booking_line_id),
    CONSTRAINT batch_lines_batch_id_fkey FOREIGN KEY(batch_id) REFERENCES booking_batches (id),
    CONSTRAINT batch_lines_booking_line_id_fkey FOREIGN KEY(booking_line_id) REFERENCES booking_lines (id)
);

CREATE TABLE articles (
    kind VARCHAR(24) NOT NULL,
    slug VARCHAR(28) NOT NULL,
    language VARCHAR(2) NOT NULL,
    title VARCHAR(160) NOT NULL,
    body VARCHAR(20000) NOT NULL,
    position INTEGER NOT NULL,
    shown_from TIMESTAMP WITH TIME ZONE,
    shown_until TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    answers JSONB,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_by UUID,
    CONSTRAINT articles_pkey PRIMARY KEY (kind, slug, language),
    CONSTRAINT articles_articlekind_check CHECK (kind IN ('front', 'help', 'hours', 'contact', 'news', 'warning', 'page', 'privacy', 'terms', 'cookies', 'accessibility')),
    CONSTRAINT articles_shown_for_a_while_check CHECK (shown_until > shown_from),
    CONSTRAINT articles_terms_have_a_day_check CHECK (kind <> 'terms' OR (shown_from IS NOT NULL AND shown_until IS NULL))
);

CREATE TABLE remarks (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    payer_id UUID NOT NULL,
    receivable_id UUID,
    topic VARCHAR(24) NOT NULL,
    text VARCHAR(2000) NOT NULL,
    language VARCHAR(2) NOT NULL,
    state VARCHAR(24) NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE NOT NULL,
    taken_by UUID,
    answer VARCHAR(2000),
    outcome VARCHAR(24),
    answered_by UUID,
    answered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT remarks_pkey PRIMARY KEY (id),
    CONSTRAINT remarks_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT remarks_payer_id_fkey FOREIGN KEY(payer_id) REFERENCES payers (id),
    CONSTRAINT remarks_receivable_id_fkey FOREIGN KEY(receivable_id) REFERENCES receivables (id),
    CONSTRAINT remarks_taken_by_fkey FOREIGN KEY(taken_by) REFERENCES users (id),
    CONSTRAINT remarks_answered_by_fkey FOREIGN KEY(answered_by) REFERENCES users (id),
    CONSTRAINT remarks_topic_check
        CHECK (topic IN ('amount', 'basis', 'payment', 'liability', 'name', 'address', 'contact', 'missing', 'other')),
    CONSTRAINT remarks_remarkstate_check CHECK (state IN ('new', 'in_progress', 'answered', 'withdrawn')),
    CONSTRAINT remarks_outcome_check CHECK (outcome IN ('will_correct', 'not_wrong', 'elsewhere')),
    CONSTRAINT remarks_says_something_check CHECK (text <> '' AND answer <> ''),
    CONSTRAINT remarks_topic_fits_check CHECK (
        CASE WHEN receivable_id IS NULL THEN topic NOT IN ('amount', 'basis', 'payment', 'liability')
        ELSE topic NOT IN ('name', 'address', 'contact', 'missing') END),
    CONSTRAINT remarks_taken_by_somebody_check CHECK (state NOT IN ('in_progress', 'answered') OR taken_by IS NOT NULL),
    CONSTRAINT remarks_answered_whole_check CHECK (
        num_nonnulls(answer, outcome, answered_by, answered_at) = CASE state WHEN 'answered' THEN 4 ELSE 0 END)
);
CREATE INDEX remarks_state_id_idx ON remarks (state, id);
CREATE INDEX remarks_user_id_idx ON remarks (user_id);

-- Money that came is allocated to the grosz: the sum of its booking lines, checked when the transaction ends. Only what
-- came above the amount of the order may be left over, and is to be refunded.
CREATE FUNCTION check_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid := CASE TG_TABLE_NAME WHEN 'captures' THEN NEW.id ELSE (to_jsonb(NEW) ->> 'capture_id')::uuid END;
    money bigint;
    above boolean;
    allocated bigint;
BEGIN
    SELECT amount, coalesce(reason = 'amount', false) INTO money, above
    FROM captures WHERE id = checked AND state = 'allocated';
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(sum(principal + interest + costs), 0) INTO allocated
    FROM booking_lines WHERE capture_id = checked AND refund_id IS NULL;
    IF allocated <> money AND NOT (above AND allocated BETWEEN 1 AND money) THEN
        RAISE EXCEPTION 'capture % of % has booking lines of %', checked, money, allocated USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER captures_allocated AFTER INSERT OR UPDATE ON captures
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_allocation();
CREATE CONSTRAINT TRIGGER booking_lines_allocated AFTER INSERT OR UPDATE OF principal, interest, costs, capture_id
    ON booking_lines DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_allocation();

-- Never more goes back than came: of a capture, of what no line has, and of each part of each line.
CREATE FUNCTION check_refunds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid := (to_jsonb(NEW) ->> 'capture_id')::uuid;
    money bigint;
    back bigint;
    of_lines bigint;
    allocated bigint;
BEGIN
    SELECT amount INTO money FROM captures WHERE id = checked;
    SELECT coalesce(sum(amount), 0) INTO back
    FROM refunds WHERE capture_id = checked AND state NOT IN ('withdrawn', 'declined', 'rejected');
    SELECT coalesce(sum(principal + interest + costs) FILTER (WHERE refund_id IS NULL), 0),
        coalesce(-sum(principal + interest + costs) FILTER (WHERE refund_id IS NOT NULL AND state <> 'dropped'), 0)
    INTO allocated, of_lines FROM booking_lines WHERE capture_id = checked;
    IF back > money OR back - of_lines NOT BETWEEN 0 AND money - allocated THEN
        RAISE EXCEPTION 'capture % of % has refunds of %, % of them from booking lines of %',
            checked, money, back, of_lines, allocated USING ERRCODE = '23514';
    END IF;
    IF EXISTS (
        SELECT FROM booking_lines WHERE capture_id = checked AND state <> 'dropped' GROUP BY order_line_id
        HAVING least(sum(principal), sum(interest), sum(costs)) < 0
    ) THEN
        RAISE EXCEPTION 'more goes back of a line of capture % than came', checked USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER refunds_limited AFTER INSERT OR UPDATE OF amount, state, capture_id ON refunds
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_refunds();
CREATE CONSTRAINT TRIGGER booking_lines_limited AFTER INSERT OR UPDATE OF principal, interest, costs, state, capture_id
    ON booking_lines DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.refund_id IS NOT NULL)
    EXECUTE FUNCTION check_refunds();

-- The money equation per merchant account: captured = booked + waiting + in_suspense + refunded.
-- Lines have signs: those of a completed refund stand beside what they take back. Of money that did not fit its order
-- (it has a reason) what is neither on a line nor gone is in suspense.
CREATE VIEW money_equation AS
SELECT
    m.id AS merchant_account_id,
    m.gateway,
    m.merchant,
    coalesce(c.captured, 0) AS captured,
    coalesce(l.booked, 0) AS booked,
    coalesce(l.waiting, 0) AS waiting,
    coalesce(l.in_suspense, 0) + coalesce(c.unfit, 0) - coalesce(l.unfit, 0) - coalesce(r.unfit, 0) AS in_suspense,
    coalesce(r.refunded, 0) AS refunded
FROM merchant_accounts AS m
LEFT JOIN LATERAL (
    SELECT sum(amount) AS captured, sum(amount) FILTER (WHERE reason IS NOT NULL) AS unfit
    FROM captures WHERE merchant_account_id = m.id
) AS c ON true
LEFT JOIN LATERAL (
    SELECT
        sum(b.principal + b.interest + b.costs) FILTER (WHERE b.state = 'booked') AS booked,
        sum(b.principal + b.interest + b.costs) FILTER (WHERE b.state IN ('waiting', 'sent', 'refused')) AS waiting,
        sum(b.principal + b.interest + b.costs) FILTER (WHERE b.state = 'in_suspense') AS in_suspense,
        sum(b.principal + b.interest + b.costs) FILTER (WHERE bc.reason IS NOT NULL) AS unfit
    FROM booking_lines AS b
    JOIN captures AS bc ON bc.id = b.capture_id
    WHERE bc.merchant_account_id = m.id AND b.state NOT IN ('planned', 'dropped')
) AS l ON true
LEFT JOIN LATERAL (
    SELECT sum(f.amount) AS refunded, sum(f.amount) FILTER (WHERE fc.reason IS NOT NULL) AS unfit
    FROM refunds AS f
    JOIN captures AS fc ON fc.id = f.capture_id
    WHERE fc.merchant_account_id = m.id AND f.state = 'completed'
) AS r ON true;

-- What an entry says, as it is sealed, handed over and checked: a JSON array on one line.
CREATE FUNCTION audit_line(e audit_entries) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT json_build_array(
        e.id, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor, e.actor_id, e.action, e.subject, e.subject_id,
        e.request_id, e.ip, array_to_string(e.payers, ' ')
    )::text
$$;

-- The digest of what is under a seal.
CREATE FUNCTION audit_content(wanted integer, first_one uuid, last_one uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(string_agg(audit_line(e) || E'\n', '' ORDER BY e.id), 'UTF8')), 'hex')
    FROM audit_entries AS e WHERE e.seal = wanted AND e.id BETWEEN first_one AND last_one
$$;

-- Puts the next seal on entries that have none. Whoever calls it can say nothing untrue of them: the digest is made here
-- too, and the mark, made with a key that is not in the database, is checked by `skarbnik audit verify`.
CREATE FUNCTION audit_seal(
    new_number integer, ids uuid[], moment timestamptz, said varchar, by_key integer, new_mark varchar
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp AS $$
DECLARE
    previous audit_seals;
    marked integer;
    inside text;
    made text;
BEGIN
    SELECT * INTO previous FROM audit_seals ORDER BY number DESC LIMIT 1;
    IF new_number IS DISTINCT FROM coalesce(previous.number, 0) + 1 THEN
        RAISE EXCEPTION 'seal % does not follow seal %', new_number, previous.number USING ERRCODE = '23514';
    END IF;
    IF (moment BETWEEN clock_timestamp() - interval '1 hour' AND greatest(clock_timestamp(), previous.sealed_at))
        IS NOT TRUE
    THEN
        RAISE EXCEPTION 'a seal is of this moment, not of %', moment USING ERRCODE = '23514';
    END IF;
    UPDATE audit_entries SET seal = new_number WHERE id = ANY (ids) AND seal IS NULL;
    GET DIAGNOSTICS marked = ROW_COUNT;
    IF marked = 0 OR marked IS DISTINCT FROM cardinality(ids) THEN
        RAISE EXCEPTION '% of % entries have no seal yet', marked, cardinality(ids) USING ERRCODE = '23514';
    END IF;
    inside := audit_content(new_number, ids[1], ids[marked]);
    made := encode(sha256(convert_to(json_build_array(
        new_number, coalesce(previous.digest, ''), marked, ids[1], ids[marked],
        (extract(epoch FROM moment) * 1000000)::bigint, inside
    )::text, 'UTF8')), 'hex');
    IF made IS DISTINCT FROM said THEN
        RAISE EXCEPTION 'seal % is not of these entries', new_number USING ERRCODE = '23514';
    END IF;
    INSERT INTO audit_seals (number, entries, first_id, last_id, sealed_at, content, digest, key_version, mark)
    VALUES (new_number, marked, ids[1], ids[marked], moment, inside, said, by_key, new_mark);
END $$;

-- Removes what is under the oldest seal that still has something, when it is older than the gmina keeps it and never
-- before two years; the seal stays. What was tampered with is evidence and is not removed.
CREATE FUNCTION audit_remove(wanted integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp AS $$
DECLARE
    one audit_seals;
    kept integer := (SELECT years FROM audit_keeping ORDER BY changed_at DESC LIMIT 1);
    gone integer;
BEGIN
    SELECT * INTO one FROM audit_seals WHERE removed_at IS NULL ORDER BY number LIMIT 1 FOR UPDATE;
    IF one.number IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'seal % is not the oldest one', wanted USING ERRCODE = '23514';
    END IF;
    IF one.sealed_at > clock_timestamp() - make_interval(years => greatest(kept, 2)) THEN
        RAISE EXCEPTION 'seal % is kept still', wanted USING ERRCODE = '23514';
    END IF;
    IF audit_content(wanted, one.first_id, one.last_id) IS DISTINCT FROM one.content THEN
        RAISE EXCEPTION 'what is under seal % was changed', wanted USING ERRCODE = '23514';
    END IF;
    DELETE FROM audit_entries WHERE seal = wanted AND id BETWEEN one.first_id AND one.last_id;
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE audit_seals SET removed_at = clock_timestamp() WHERE number = wanted;
    RETURN gone;
END $$;

-- The first entry of a quarter of an hour rings for the end of it, so that gminas where nothing happens are not visited.
CREATE FUNCTION audit_rings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    quarter timestamptz := date_bin('15 minutes', clock_timestamp(), 'epoch');
    first_one uuid := (lpad(to_hex((extract(epoch FROM quarter) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM audit_entries AS e WHERE e.seal IS NULL AND e.id >= first_one) THEN
        PERFORM work.publish(  -- at a moment of the gmina's own: all of them at once would keep others waiting
            'audit.seal', gen_random_uuid(),
            quarter + interval '16 minutes' + make_interval(secs => abs(hashtext(current_schema()) % 300))
        );
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_entries_ring BEFORE INSERT ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION audit_rings();

REVOKE ALL ON FUNCTION audit_seal(integer, uuid[], timestamptz, varchar, integer, varchar), audit_remove(integer)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_seal(integer, uuid[], timestamptz, varchar, integer, varchar), audit_remove(integer)
TO {tenant};

-- The schema's default privileges gave the runtime role everything on tables; some things nobody may do at run time:
-- the trail is only added to, money is never erased, and what the finance system once said is closed, not deleted.
REVOKE INSERT, UPDATE, DELETE ON audit_entries, audit_seals FROM {tenant};
GRANT INSERT (id, at, actor, actor_id, action, subject, subject_id, payers, request_id, ip) ON audit_entries TO {tenant};
REVOKE UPDATE, DELETE ON audit_keeping FROM {tenant};
REVOKE DELETE ON
    captures, booking_lines, transactions, payment_orders, order_lines, refunds, notifications, booking_batches,
    batch_lines, differences, payers, kinds, creditor_accounts, receivables, liabilities, instalments, operations,
    overpayments, documents, plugin_settings, dated_values, switches, settlement_reports, settlement_lines, payouts
FROM {tenant};
REVOKE UPDATE ON notifications, order_lines, plugin_settings FROM {tenant};
REVOKE INSERT, UPDATE, DELETE ON money_equation FROM {tenant};

CREATE TABLE registrations (
    id UUID NOT NULL,
    number VARCHAR(8) NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    email VARCHAR(120) NOT NULL,
    name VARCHAR(120) NOT NULL,
    password_hash VARCHAR(100) NOT NULL,
    language VARCHAR(2) NOT NULL,
    terms_version VARCHAR(28) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    proven_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT registrations_pkey PRIMARY KEY (id),
    CONSTRAINT registrations_number_key UNIQUE (number),
    CONSTRAINT registrations_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT registrations_number_check CHECK (number ~ '^[0-9]{8}$')
);
CREATE UNIQUE INDEX registrations_proven_key ON registrations (email) WHERE proven_at IS NOT NULL;

CREATE TABLE email_changes (
    user_id UUID NOT NULL,
    email VARCHAR(120) NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT email_changes_pkey PRIMARY KEY (user_id),
    CONSTRAINT email_changes_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT email_changes_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE consents (
    user_id UUID NOT NULL,
    purpose VARCHAR(24) NOT NULL,
    given_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    language VARCHAR(2) NOT NULL,
    text VARCHAR(400) NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT consents_pkey PRIMARY KEY (user_id, purpose, given_at),
    CONSTRAINT consents_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT consents_given_first_check CHECK (withdrawn_at >= given_at),
    CONSTRAINT consents_purpose_check CHECK (purpose IN ('email_notices', 'sms_notices', 'e_decisions'))
);
