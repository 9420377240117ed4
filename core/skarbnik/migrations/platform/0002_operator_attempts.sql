-- Who tried to sign in as an operator, when and from where. The runtime role adds rows and reads them, no more.
CREATE TABLE platform.operator_attempts (
    id uuid NOT NULL CONSTRAINT operator_attempts_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    operator_id uuid CONSTRAINT operator_attempts_operator_id_fkey REFERENCES platform.operators ON DELETE SET NULL,
    signed_in boolean NOT NULL,
    ip varchar(45) NOT NULL
);
GRANT SELECT, INSERT ON platform.operator_attempts TO {app};
