export { type StoreConfig, store, storeConfig } from './store_config.ts';
