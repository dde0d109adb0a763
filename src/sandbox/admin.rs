//! The administrator of the sandbox: an IAM user with all permissions.
//!
//! The sandbox has no root user: the emulator's own skips bucket policies, and its key is known to
//! everyone. The access key is made here, at random, and given to the emulator at each start.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    error::{SandboxError, at},
    files,
};

const KEY_ID: &str = "aws_access_key_id = ";
const SECRET: &str = "aws_secret_access_key = ";
const RANDOM: &str = "/dev/urandom";

/// The AWS configuration files of the sandbox, in the format that all AWS tools read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsProfileFiles {
    /// Access key of the administrator.
    pub credentials_file: PathBuf,
    pub config_file: PathBuf,
}

/// The administrator's access key.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminKey {
    pub id: String,
    pub secret: String,
}

impl AwsProfileFiles {
    pub fn at(dir: &Path) -> Self {
        Self {
            credentials_file: dir.join("credentials"),
            config_file: dir.join("config"),
        }
    }

    /// The administrator's access key, made and written if it is not there.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn ensure_key(&self) -> Result<AdminKey, SandboxError> {
        match fs::read_to_string(&self.credentials_file) {
            Ok(file) => {
                if let Some(key) = AdminKey::parse(&file) {
                    return Ok(key);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&self.credentials_file)(error)),
        }
        let key = AdminKey::random()?;
        let credentials = format!("[default]\n{KEY_ID}{}\n{SECRET}{}\n", key.id, key.secret);
        files::write(&self.credentials_file, credentials.as_bytes())?;
        Ok(key)
    }

    /// Writes the region and the endpoint: with the endpoint in it, the credentials are not sent to
    /// AWS by mistake.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_config(
        &self,
        endpoint: &str,
        region: &str,
        ca_file: &Path,
    ) -> Result<(), SandboxError> {
        let config = format!(
            "[default]\nregion = {region}\nendpoint_url = {endpoint}\nca_bundle = {}\n",
            ca_file.display()
        );
        files::write(&self.config_file, config.as_bytes())
    }
}

impl AdminKey {
    /// A key of AWS's form: the emulator takes 12 digits for an account, and `test` for its root.
    fn random() -> Result<Self, SandboxError> {
        const BASE_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut bytes = [0; 36];
        File::open(RANDOM)
            .and_then(|mut random| random.read_exact(&mut bytes))
            .map_err(at(RANDOM))?;
        let (id, secret) = bytes.split_at(16);
        let id: String = id
            .iter()
            .map(|byte| char::from(BASE_32[usize::from(byte % 32)]))
            .collect();
        Ok(Self {
            id: format!("AKIA{id}"),
            secret: secret.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    fn parse(file: &str) -> Option<Self> {
        let value = |name| {
            file.lines()
                .find_map(|line| line.strip_prefix(name))
                .filter(|value| value.len() >= 16)
                .map(str::to_owned)
        };
        Some(Self {
            id: value(KEY_ID)?,
            secret: value(SECRET)?,
        })
    }
}

impl std::fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_key_is_random_and_made_once() {
        let dirs = [
            tempfile::tempdir().expect("a directory"),
            tempfile::tempdir().expect("a directory"),
        ];
        let [one, two] = dirs.each_ref().map(|dir| AwsProfileFiles::at(dir.path()));
        let key = one.ensure_key().expect("made");
        assert_eq!(one.ensure_key().expect("read"), key);
        assert_ne!(two.ensure_key().expect("made"), key);
        assert!(
            key.id.len() == 20 && key.id.starts_with("AKIA") && key.secret.len() == 40,
            "{key:?}"
        );
        assert!(!format!("{key:?}").contains(&key.secret));

        fs::write(
            &one.credentials_file,
            "[default]\naws_access_key_id = test\naws_secret_access_key = test\n",
        )
        .expect("written");
        assert_ne!(one.ensure_key().expect("made again").id, "test");
    }
}
