{
  description = "{{ description }}";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      version = "{{ version }}";
      archives = {
        x86_64-linux = {
          url = "{{ url x86_64-unknown-linux-musl }}";
          sha256 = "{{ sha256 x86_64-unknown-linux-musl }}";
        };
        aarch64-linux = {
          url = "{{ url aarch64-unknown-linux-musl }}";
          sha256 = "{{ sha256 aarch64-unknown-linux-musl }}";
        };
        x86_64-darwin = {
          url = "{{ url x86_64-apple-darwin }}";
          sha256 = "{{ sha256 x86_64-apple-darwin }}";
        };
        aarch64-darwin = {
          url = "{{ url aarch64-apple-darwin }}";
          sha256 = "{{ sha256 aarch64-apple-darwin }}";
        };
      };
      package =
        system: archive:
        let
          pkgs = nixpkgs.legacyPackages.${system};
        in
        pkgs.stdenvNoCC.mkDerivation {
          pname = "tfbackend";
          inherit version;
          src = pkgs.fetchurl archive;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          # The signature of a program for macOS covers its symbols.
          dontStrip = true;
          installPhase = ''
            runHook preInstall
            install -D -m 755 tfbackend $out/bin/tfbackend
            installManPage man/*.1
            installShellCompletion --cmd tfbackend --bash completions/tfbackend.bash \
              --fish completions/tfbackend.fish --zsh completions/_tfbackend
            runHook postInstall
          '';
          meta = {
            description = "{{ description }}";
            homepage = "{{ homepage }}";
            license = [
              pkgs.lib.licenses.mit
              pkgs.lib.licenses.asl20
            ];
            mainProgram = "tfbackend";
            platforms = [ system ];
          };
        };
    in
    {
      packages = builtins.mapAttrs (system: archive: { default = package system archive; }) archives;
    };
}
