/*
 * The device that models are computed on: what `auto` was measured to stand for, shown on the doctor's page and in the Models view, and
 * the default that a person sets instead (discern.backend, discern.device). The engine is told by environment variables.
 */

import type * as vscode from "vscode";
import { registerCommand } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { Doctor } from "../engine/doctor.ts";
import type { Engine } from "../engine/engine.ts";
import { installTorch } from "../torch/install.ts";
import { chooseDevice } from "./choose.ts";
import { registerDoctorLens } from "./doctorLens.ts";
import type { Measured } from "./measured.ts";

/** Registers the doctor's page with its commands, and the choice of the device. */
export function registerDevice(engine: Engine, measured: Measured): vscode.Disposable {
  const store = new DisposableStore();
  const doctor = store.add(
    new Doctor({
      examine: () => engine.call("doctor", {}),
      onHealth: ({ auto, choices }) => measured.keep([auto, ...choices]),
    }),
  );
  store.add(registerDoctorLens());
  store.add(registerCommand("discern.engine.doctor", () => doctor.show()));
  store.add(registerCommand("discern.device.choose", () => chooseDevice(measured)));
  store.add(registerCommand("discern.torch.install", () => installTorch(engine)));
  return store;
}
