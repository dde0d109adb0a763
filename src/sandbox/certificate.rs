//! The sandbox's own certificate authority: it signs one certificate for loopback and is then
//! unable to sign another, since its key is kept nowhere.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::{error::SandboxError, files};

/// The names that the emulator answers to.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The paths of the PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The CA certificate for clients.
    pub ca: PathBuf,
    /// The certificate of the server.
    pub server: PathBuf,
    /// The server's private key, readable by its owner only.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// The certificate in `dir`, made if it is not there.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn ensure(dir: &Path) -> Result<Self, SandboxError> {
        let it = Self {
            ca: dir.join("ca.pem"),
            server: dir.join("server.pem"),
            key: dir.join("server.key"),
        };
        // The CA is written last: where it is, all three belong together.
        if it.ca.is_file() && it.server.is_file() && it.key.is_file() {
            return Ok(it);
        }
        files::create_dir(dir)?;
        files::remove(&it.ca)?;
        let made = make()?;
        files::write(&it.key, made.key.as_bytes())?;
        files::write(&it.server, made.server.as_bytes())?;
        files::write(&it.ca, made.ca.as_bytes())?;
        Ok(it)
    }
}

struct CertificatePem {
    ca: String,
    server: String,
    key: String,
}

fn make() -> Result<CertificatePem, rcgen::Error> {
    let ca_key = KeyPair::generate()?;
    let mut ca = params(Vec::new(), "tfbackend sandbox CA")?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_pem = ca.self_signed(&ca_key)?.pem();

    let key = KeyPair::generate()?;
    let mut server = params(NAMES.map(str::to_owned).to_vec(), "tfbackend sandbox")?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Python 3.13 verifies strictly (VERIFY_X509_STRICT), which asks for this extension.
    server.use_authority_key_identifier_extension = true;
    let server_pem = server.signed_by(&key, &Issuer::new(ca, ca_key))?.pem();

    Ok(CertificatePem {
        ca: ca_pem,
        server: server_pem,
        key: key.serialize_pem(),
    })
}

fn params(names: Vec<String>, common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    // Fixed dates: a wrong clock is no reason for the sandbox not to start.
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn made_once_and_again_when_a_part_is_missing() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = CertificateFiles::ensure(dir.path()).expect("made");
        let ca = fs::read(&first.ca).expect("a CA");
        CertificateFiles::ensure(dir.path()).expect("there");
        assert_eq!(fs::read(&first.ca).expect("a CA"), ca);

        fs::remove_file(&first.key).expect("removed");
        CertificateFiles::ensure(dir.path()).expect("made again");
        assert_ne!(fs::read(&first.ca).expect("a CA"), ca);
    }

    #[test]
    #[cfg(unix)]
    fn nobody_else_reads_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let certificate = CertificateFiles::ensure(dir.path()).expect("made");
        assert_eq!(
            fs::metadata(certificate.key)
                .expect("a key")
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
    }
}
