//! Checks whether the bucket policy requires the backend's encryption. Until it does, runs with
//! other encryption continue, and their principals may lack permission for the key: states that
//! they read keep their encryption.

use crate::{
    backend::aws::{
        bucket::policy,
        error::AwsError,
        store::{content, write::WriteEncryption},
    },
    cli::{context::Context, failure::CliError, target::S3Target},
    state::layout::LocatedObject,
};

pub(crate) enum InForce {
    Yes,
    /// A policy of ours that lets through something else, too.
    NotYet,
    /// The bucket has no policy of ours.
    NotOurs,
    Unknown(AwsError),
}

impl InForce {
    /// # Errors
    /// If it is interrupted.
    pub(crate) async fn look(
        target: &S3Target,
        key: Option<&str>,
        cx: &mut Context<'_>,
    ) -> Result<Self, CliError> {
        Ok(
            match cx
                .until_cancelled(policy::get(&target.aws, &target.address.bucket))
                .await?
            {
                Ok(Some(document)) if policy::asks_for_nothing_but(&document, key) => Self::Yes,
                Ok(Some(document)) if document.has_ours() => Self::NotYet,
                Ok(Some(_) | None) => Self::NotOurs,
                Err(error) => Self::Unknown(error),
            },
        )
    }

    /// Returns the reason to keep the encryption of a state; `named` is true if the user named only
    /// this state.
    pub(crate) fn keeps(
        &self,
        located: &LocatedObject,
        named: bool,
        target: &S3Target,
    ) -> Option<String> {
        let layout = &target.address.layout;
        let is_own = layout
            .key
            .as_ref()
            .is_some_and(|key| layout.path(key, &located.workspace) == located.path);
        match self {
            Self::Yes => None,
            Self::NotOurs => (!named && !is_own).then(|| {
                "it does not belong to this configuration, and its users may lack permission for \
                 the key; name it to encrypt it"
                    .to_owned()
            }),
            Self::NotYet => Some(
                "the bucket policy still allows runs with other encryption, which may lack \
                 permission for the key; `tfbackend plan` shows what is deferred, and `tfbackend \
                 bootstrap --enforce` applies it"
                    .to_owned(),
            ),
            Self::Unknown(error) => Some(format!(
                "whether runs still use other encryption is unknown: {error}"
            )),
        }
    }
}

/// Returns the encryption for writing a state that is currently encrypted as `is`, if it exists.
///
/// # Errors
/// If it is interrupted.
pub(crate) async fn for_state(
    target: &S3Target,
    is: Option<&content::AtRestEncryption>,
    cx: &mut Context<'_>,
) -> Result<WriteEncryption, CliError> {
    let asked = &target.encryption;
    let WriteEncryption::Kms(_) = asked else {
        return Ok(asked.clone());
    };
    if is.is_some_and(|is| is.key.is_some()) {
        return Ok(asked.clone());
    }
    let key = cx.until_cancelled(target.key_arn()).await?.ok().flatten();
    Ok(match InForce::look(target, key.as_deref(), cx).await? {
        InForce::NotYet => WriteEncryption::Unsaid,
        InForce::Yes | InForce::NotOurs | InForce::Unknown(_) => asked.clone(),
    })
}
