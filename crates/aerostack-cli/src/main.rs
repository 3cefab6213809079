//! The binary `aerostack`: hands the process's arguments and surroundings to the library.

use std::process::ExitCode;

use aerostack_cli::World;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::FAILURE,
    };
    let code = runtime.block_on(aerostack_cli::run(std::env::args_os(), &mut World::real()));
    ExitCode::from(code)
}
