AUDIT_LOG = BASE_DIR / "audit.log"
