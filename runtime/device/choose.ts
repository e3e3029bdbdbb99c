/** From what the user asked for to an adapter that serves. */
import { RecurveError } from '../../codegen/errors.js';
import { ADAPTER_CHOICES, type AdapterChoice, type AdapterKind, adapterKind } from './adapter.js';
import { type DevicePurpose, type FoundAdapter, requestAdapter } from './instance.js';
import { embeddedDriverFits, loadEmbeddedDriver } from './swiftshader.js';
import { driversFromEnvironment, ensureLoader, installedManifests, lavapipeManifests } from './vulkan.js';

export interface ChosenAdapter extends FoundAdapter {
  readonly driver?: string;
  readonly notice?: string;
}

export const INSTALL_LAVAPIPE =
  'Install Mesa 23 or newer: package mesa-vulkan-drivers on Debian 13 and Ubuntu 24.04; on Debian 12 the one from bookworm-backports (apt install -t bookworm-backports mesa-vulkan-drivers).';

/**
 * Finds the adapter of a choice.
 * @throws RecurveError exit code 3: `ADAPTER-NONE` nothing found, `ADAPTER-REFUSED` found but unusable; exit code 2: `ADAPTER-UNKNOWN`
 */
export function chooseAdapter(choice: AdapterChoice, purpose: DevicePurpose): Promise<ChosenAdapter> {
  switch (choice) {
    case 'auto':
      return chooseAny(purpose);
    case 'hardware':
      return chooseHardware(purpose);
    case 'lavapipe':
      return chooseLavapipe(purpose);
    case 'swiftshader':
      return chooseEmbedded(purpose);
    default:
      throw new RecurveError({
        code: 'ADAPTER-UNKNOWN',
        message: `there is no adapter called ${String(choice)}`,
        fix: `Choose one of ${ADAPTER_CHOICES.join(', ')}.`,
        where: '--adapter',
      });
  }
}

async function chooseAny(purpose: DevicePurpose): Promise<ChosenAdapter> {
  const found = await chooseInstalled(purpose);
  if (found) {
    const kind = adapterKind(found.adapter.info);
    return kind === 'hardware' ? found : { ...found, notice: softwareNotice(kind) };
  }
  const wanted = driversFromEnvironment();
  if (wanted !== undefined) {
    throw none(`the Vulkan drivers that VK_DRIVER_FILES or VK_ICD_FILENAMES name (${wanted}) give no usable adapter`, {
      fix: 'Unset the variable, or correct it.',
    });
  }
  if (!embeddedDriverFits()) throw none('Dawn finds no adapter on this machine', { fix: hardwareFix() });
  return { ...(await chooseEmbedded(purpose)), notice: softwareNotice('swiftshader') };
}

async function chooseHardware(purpose: DevicePurpose): Promise<ChosenAdapter> {
  const found = await chooseInstalled(purpose);
  const kind = found && adapterKind(found.adapter.info);
  if (found && kind === 'hardware') return found;
  throw none(kind ? `the only adapter found is ${kind}, a processor posing as a GPU` : 'no hardware adapter was found', {
    fix: hardwareFix(),
  });
}

async function chooseLavapipe(purpose: DevicePurpose): Promise<ChosenAdapter> {
  if (process.platform !== 'linux') {
    throw none('lavapipe is a Linux driver', { fix: 'Use --adapter hardware or auto here.' });
  }
  const manifests = lavapipeManifests();
  if (manifests.length === 0) {
    throw none('lavapipe is not installed (no lvp_icd*.json in a vulkan/icd.d folder)', { fix: INSTALL_LAVAPIPE });
  }
  await ensureLoader();
  for (const driver of manifests) {
    const found = await requestAdapter(driver, purpose);
    if (found && adapterKind(found.adapter.info) === 'lavapipe') return { ...found, driver };
  }
  throw new RecurveError({
    code: 'ADAPTER-REFUSED',
    message: `lavapipe is installed (${manifests.join(', ')}), but Dawn refuses it; Mesa 22.3 and older lack what Dawn needs`,
    fix: INSTALL_LAVAPIPE,
    where: '--adapter',
    exitCode: 3,
  });
}

async function chooseEmbedded(purpose: DevicePurpose): Promise<ChosenAdapter> {
  const driver = await loadEmbeddedDriver();
  const found = await requestAdapter(driver, purpose);
  if (found && adapterKind(found.adapter.info) === 'swiftshader') return { ...found, driver };
  throw new RecurveError({
    code: 'ADAPTER-REFUSED',
    message: `the embedded SwiftShader (${driver}) is unpacked, but Dawn gets no adapter from it`,
    fix: 'Remove that folder so that it is unpacked again; in a worker thread, start it with env: SHARE_ENV.',
    where: '--adapter',
    exitCode: 3,
  });
}

/** Whatever the machine itself offers, hardware before software. */
async function chooseInstalled(purpose: DevicePurpose): Promise<ChosenAdapter | undefined> {
  if (process.platform === 'linux') {
    // Without a driver there is nothing to find, and Dawn would print its complaint about a missing loader.
    if (driversFromEnvironment() === undefined && installedManifests().length === 0) return undefined;
    await ensureLoader();
  }
  return requestAdapter(undefined, purpose);
}

function softwareNotice(kind: AdapterKind): string {
  const names: Record<AdapterKind, string> = {
    hardware: 'the hardware adapter',
    lavapipe: 'the software adapter lavapipe',
    swiftshader: 'the embedded software adapter SwiftShader',
    software: 'a software adapter',
  };
  return `No GPU was found: ${names[kind]} serves.`;
}

function hardwareFix(): string {
  switch (process.platform) {
    case 'linux':
      return "Install the GPU's Vulkan driver (mesa-vulkan-drivers for AMD and Intel, NVIDIA's own for NVIDIA), see that this user may open /dev/dri/render*, or use --adapter auto.";
    case 'darwin':
      return 'A Mac with Metal is needed; in a virtual machine, pass the GPU through.';
    default:
      return "Install the GPU vendor's driver.";
  }
}

function none(message: string, detail: { fix: string }): RecurveError {
  return new RecurveError({ code: 'ADAPTER-NONE', message, fix: detail.fix, where: '--adapter', exitCode: 3 });
}
