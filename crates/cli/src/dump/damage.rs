//! What is wrong with a file is shown, and what is wrong with reading it ends the command.

use anyhow::Result;

/// An error that says what is wrong with a file is shown as damage; others end the command.
pub(super) fn damage_in<T>(result: ottla::Result<T>) -> Result<std::result::Result<T, String>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(ottla::Error::Corrupt(corruption)) => Ok(Err(corruption.to_string())),
        Err(error) => Err(error.into()),
    }
}
